/**
 * HTTP: groups, requests to join, devices.
 */
import { POST_QUANTUM_POLICIES } from '@warren/group';
import { RIGHTS } from '@warren/trust';
import { Type } from 'typebox';
import { addDevice, setRights } from '../devices.ts';
import { createGroup, groupDetails, listGroups, requireAdmin, setSettings } from '../groups.ts';
import { approve, deny } from '../membership.ts';
import { removeDevice, removeMember } from '../removal.ts';
import { requireUser } from '../sessions.ts';
import type { Site } from '../site.ts';
import { setTeams } from '../teams.ts';
import { type App, DevicePath, GroupPath, RARE, RequestPath, Text } from './api.ts';

const PostQuantum = Type.Union(POST_QUANTUM_POLICIES.map(policy => Type.Literal(policy)));
const Settings = Type.Object({ postQuantum: PostQuantum });
const NewGroup = Type.Object({
  name: Text,
  subnet: Type.Optional(Text),
  caKey: Type.Optional(Type.Union([Type.Literal('ed25519'), Type.Literal('p256')])),
  postQuantum: Type.Optional(PostQuantum),
});
const Rights = Type.Object({
  rights: Type.Array(Type.Union(RIGHTS.map(right => Type.Literal(right))), { maxItems: 8 }),
});
/** Bounded above what `setTeams` allows, so that its clearer errors are seen. */
const Teams = Type.Object({ teams: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 }) });
const NewDevice = Type.Object({
  device: Text,
  kind: Type.Union([Type.Literal('browser'), Type.Literal('edge')]),
  key: Type.Optional(Text),
});

/** Adds the routes. */
export function groupRoutes(app: App, site: Site): void {
  app.get('/api/groups', async request => {
    const user = await requireUser(site, request);
    return { groups: await listGroups(site.db, user) };
  });

  app.post('/api/groups', { schema: { body: NewGroup }, config: RARE }, async request => {
    const user = await requireUser(site, request);
    return { group: await createGroup(site, user, request.body) };
  });

  app.get('/api/groups/:group', { schema: { params: GroupPath } }, async request => {
    const user = await requireUser(site, request);
    return groupDetails(site, request.params.group, user);
  });

  app.put('/api/groups/:group/settings', { schema: { params: GroupPath, body: Settings } }, async request => {
    const by = await requireUser(site, request);
    await requireAdmin(site.db, request.params.group, by);
    return setSettings(site, request.params.group, by, request.body);
  });

  app.post('/api/groups/:group/requests/:user/approve', { schema: { params: RequestPath } }, async request => {
    const { group, user } = request.params;
    const by = await requireUser(site, request);
    await requireAdmin(site.db, group, by);
    return approve(site, group, by, user);
  });

  app.post('/api/groups/:group/requests/:user/deny', { schema: { params: RequestPath } }, async request => {
    const { group, user } = request.params;
    const by = await requireUser(site, request);
    await requireAdmin(site.db, group, by);
    return deny(site, group, by, user);
  });

  app.post('/api/groups/:group/devices', { schema: { params: GroupPath, body: NewDevice } }, async request => {
    const user = await requireUser(site, request);
    return addDevice(site, request.params.group, user, request.body);
  });

  app.delete('/api/groups/:group/members/:user', { schema: { params: RequestPath } }, async request => {
    const by = await requireUser(site, request);
    return removeMember(site, request.params.group, by, request.params.user);
  });

  app.delete('/api/groups/:group/devices/:peerId', { schema: { params: DevicePath } }, async request => {
    const by = await requireUser(site, request);
    return removeDevice(site, request.params.group, by, request.params.peerId);
  });

  const teams = { schema: { params: RequestPath, body: Teams } };
  app.put('/api/groups/:group/members/:user/teams', teams, async request => {
    const { group, user } = request.params;
    const by = await requireUser(site, request);
    await requireAdmin(site.db, group, by);
    return setTeams(site, group, by, { user, teams: request.body.teams });
  });

  const rights = { schema: { params: DevicePath, body: Rights } };
  app.put('/api/groups/:group/devices/:peerId/rights', rights, async request => {
    const { group, peerId } = request.params;
    const by = await requireUser(site, request);
    await requireAdmin(site.db, group, by);
    return setRights(site, group, by, { peerId, rights: request.body.rights });
  });
}
