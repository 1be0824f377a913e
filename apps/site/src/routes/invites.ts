/**
 * HTTP: invites, for administrators who make them and people who got one.
 */
import { Type } from 'typebox';
import { requireAdmin } from '../groups.ts';
import { createInvite, revokeInvite } from '../invites.ts';
import { acceptInvite, previewInvite } from '../membership.ts';
import { requireUser, signedIn } from '../sessions.ts';
import type { Site } from '../site.ts';
import { type App, GroupPath, InvitePath, RARE, Text } from './api.ts';

const NewInvite = Type.Object({
  uses: Type.Integer({ minimum: 1, maximum: 1_000, default: 1 }),
  expiresHours: Type.Number({ exclusiveMinimum: 0, maximum: 8_760, default: 168 }),
  autoApprove: Type.Boolean({ default: false }),
});
const Token = Type.Object({ token: Text });
const Accept = Type.Object({ token: Text, reason: Type.Optional(Text) });

/** Adds the routes. */
export function inviteRoutes(app: App, site: Site): void {
  const create = { schema: { params: GroupPath, body: NewInvite } };
  app.post('/api/groups/:group/invites', create, async request => {
    const by = await requireUser(site, request);
    await requireAdmin(site.db, request.params.group, by);
    return createInvite(site, request.params.group, by, request.body);
  });

  app.delete('/api/groups/:group/invites/:id', { schema: { params: InvitePath } }, async request => {
    const { group, id } = request.params;
    const by = await requireUser(site, request);
    await requireAdmin(site.db, group, by);
    await revokeInvite(site, group, by, id);
    return {};
  });

  app.post('/api/invites/preview', { schema: { body: Token }, config: RARE }, async request => {
    return previewInvite(site, request.body.token, await signedIn(site, request));
  });

  app.post('/api/invites/accept', { schema: { body: Accept }, config: RARE }, async request => {
    const user = await requireUser(site, request);
    return acceptInvite(site, user, request.body);
  });
}
