/**
 * Assembles the HTTP server: guards, headers, limits, the API, and the built
 * page. Listens nowhere by itself (`start.ts` does). Everything that can go
 * wrong in a request is answered as JSON here; see `errors.ts`.
 */
import type { RequestListener, Server } from 'node:http';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyHttpOptions, type FastifyReply } from 'fastify';
import { answerFor, SiteError } from './errors.ts';
import { guardRequests } from './guards.ts';
import { accountRoutes } from './routes/accounts.ts';
import type { App } from './routes/api.ts';
import { enrolmentRoutes } from './routes/enrolment.ts';
import { groupRoutes } from './routes/groups.ts';
import { inviteRoutes } from './routes/invites.ts';
import { MINUTE, type Site } from './site.ts';

/** What the server needs beyond the site itself. */
export interface ServerOptions {
  /** Folder of the built page; it may appear later. */
  readonly pageDir: string;
  /** Makes the plain or TLS server that will listen; absent for tests that inject requests. */
  readonly makeServer?: (listener: RequestListener) => Server;
  /** Whether a proxy on this machine tells the address of the client. */
  readonly behindProxy: boolean;
}

const BODY_LIMIT = 64 * 1024;
/** Requests of one address in one minute, over the whole site. */
const REQUESTS_PER_MINUTE = 1_200;

/** Makes the server with all routes. */
export async function buildServer(site: Site, options: ServerOptions): Promise<App> {
  const { makeServer } = options;
  const settings: FastifyHttpOptions<Server> = {
    bodyLimit: BODY_LIMIT,
    trustProxy: options.behindProxy ? 'loopback' : false,
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false } },
    ...(makeServer && { serverFactory: makeServer }),
    frameworkErrors(error, _request, reply) {
      const { status, body } = answerFor(error);
      (reply as FastifyReply).code(status).send(body);
    },
  };
  const app: App = fastify(settings).withTypeProvider<TypeBoxTypeProvider>();

  answerErrors(app, site);
  acceptEmptyBodies(app);
  guardRequests(app, site.address);
  await app.register(helmet, HEADERS);
  await app.register(cookie);
  await app.register(rateLimit, { max: REQUESTS_PER_MINUTE, timeWindow: MINUTE, errorResponseBuilder: tooMany });
  app.addHook('onRequest', async (request, reply) => {
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });

  app.get('/healthz', async () => ({ ok: true }));
  accountRoutes(app, site);
  groupRoutes(app, site);
  inviteRoutes(app, site);
  enrolmentRoutes(app, site);
  await servePage(app, options.pageDir);
  return app;
}

/** Only what the page itself brings may run, load or frame it; peers are reached by WebSocket. */
const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      connectSrc: ["'self'", 'ws:', 'wss:'],
      imgSrc: ["'self'", 'data:'],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      objectSrc: ["'none'"],
    },
  },
  // A site with a certificate of its own making must stay reachable after it makes another.
  strictTransportSecurity: false,
  xFrameOptions: { action: 'deny' as const },
  referrerPolicy: { policy: 'no-referrer' as const },
  // Set for enrolment from other origins; nothing here is worth embedding.
  crossOriginResourcePolicy: { policy: 'same-origin' as const },
};

function answerErrors(app: App, site: Site): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = answerFor(error);
    if (status >= 500) {
      const why = status === 500 && error instanceof Error ? (error.stack ?? error.message) : body.error.message;
      site.log(`${request.method} ${request.routeOptions.url ?? 'unknown path'}: ${why}`);
    }
    reply.code(status).send(body);
  });
  app.setNotFoundHandler((_request, reply) => {
    const { status, body } = answerFor(new SiteError(404, 'not-found', 'There is nothing at this address.'));
    reply.code(status).send(body);
  });
}

/** Some calls have nothing to say: no body counts as an empty one. */
function acceptEmptyBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, {});
    else parse(request, body as string, done);
  });
}

async function servePage(app: App, pageDir: string): Promise<void> {
  await app.register(files, {
    root: pageDir,
    suppressWarning: true,
    dotfiles: 'deny',
    cacheControl: false,
    setHeaders(response, path) {
      // Vite puts a hash of the content into the names below assets/.
      const lasting = path.includes('/assets/');
      response.header('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

function tooMany(_request: unknown, context: { ttl: number }): Error {
  const hint = `Wait ${Math.ceil(context.ttl / 1000)} seconds and try again.`;
  return new SiteError(429, 'too-many-requests', 'Too many requests from this address.', hint);
}
