/**
 * HTTP for devices: certificates and revocation lists. No cookie is looked at:
 * callers prove themselves by secret, key or certificate, or read what is public.
 */
import { Type } from 'typebox';
import { enrol, renew } from '../enrolment.ts';
import { revocations } from '../revocation-list.ts';
import type { Site } from '../site.ts';
import { type App, Bytes, GroupId, GroupPath, RARE } from './api.ts';

const Enrol = Type.Object({ group: GroupId, enrolment: Bytes, csr: Bytes });
const Renew = Type.Object({
  leaf: Bytes,
  csr: Bytes,
  at: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  signature: Bytes,
});

/** Adds the routes. */
export function enrolmentRoutes(app: App, site: Site): void {
  const open = { anyOrigin: true };
  app.post('/api/enrol', { schema: { body: Enrol }, config: { ...RARE, ...open } }, request =>
    enrol(site, request.body),
  );
  app.post('/api/renew', { schema: { body: Renew }, config: { ...RARE, ...open } }, request =>
    renew(site, request.body),
  );

  app.get('/api/groups/:group/revocations', { schema: { params: GroupPath }, config: open }, request =>
    revocations(site, request.params.group),
  );

  for (const url of ['/api/enrol', '/api/renew']) {
    app.options(url, { config: open }, async (_request, reply) => {
      reply.headers({
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'content-type, x-warren',
      });
      return reply.code(204).send();
    });
  }
}
