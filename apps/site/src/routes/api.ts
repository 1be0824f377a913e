/**
 * What all routes share: the application with typed schemas, and the fields
 * that occur in several of them. Unknown fields are ignored, so that newer
 * programs can talk to an older site.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import { Type } from 'typebox';
import { GROUP_PATTERN, NAME_PATTERN } from '../names.ts';

/** The application with request types taken from the schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Free text, bounded well above what `names.ts` allows, so that its clearer errors are seen. */
export const Text = Type.String({ maxLength: 1_000 });
/** Base64url of certificates, requests and signatures. */
export const Bytes = Type.String({ maxLength: 8_192 });
export const GroupId = Type.String({ pattern: GROUP_PATTERN });
export const GroupPath = Type.Object({ group: GroupId });
export const RequestPath = Type.Object({ group: GroupId, user: Type.String({ pattern: NAME_PATTERN }) });
export const DevicePath = Type.Object({ group: GroupId, peerId: Type.String({ pattern: '^[0-9a-f]{40}$' }) });
export const InvitePath = Type.Object({ group: GroupId, id: Type.String({ pattern: '^[0-9a-f]{16}$' }) });

/** Requests of one address in one minute, for routes where guessing or hashing costs something. */
export const RARE: { rateLimit: { max: number; timeWindow: number } } = { rateLimit: { max: 60, timeWindow: 60_000 } };
