/**
 * Who may call the API from where. Every request must come for a name of this
 * site (DNS rebinding brings others); every unsafe one must come from a page of
 * this site (CSRF). Sessions are not checked here. Source: faults.md rows 91, 93.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SiteError } from './errors.ts';
import type { SiteAddress } from './site.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes no cookie and proves its caller by itself, so any page and any program may call it. */
    anyOrigin?: boolean;
  }
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Adds both checks to every request, also to those for unknown paths. */
export function guardRequests(app: FastifyInstance, address: SiteAddress): void {
  app.addHook('onRequest', async (request, reply) => {
    checkHost(request, address);
    if (request.routeOptions.config.anyOrigin === true) {
      reply.header('access-control-allow-origin', '*');
      return;
    }
    if (!SAFE.has(request.method)) checkOrigin(request, address);
  });
}

function checkHost(request: FastifyRequest, address: SiteAddress): void {
  const name = hostName(request.headers.host ?? '');
  // A name that an attacker rebinds is a name: an IP literal cannot be rebound.
  if (name !== undefined && (address.hosts.has(name) || isIpLiteral(name))) return;
  throw new SiteError(421, 'unknown-host', 'This site does not answer under that name.', `Open ${address.origin}`);
}

function checkOrigin(request: FastifyRequest, address: SiteAddress): void {
  const { origin, host } = request.headers;
  const direct = `${address.tls ? 'https' : 'http'}://${host}`;
  if (origin !== address.origin && origin !== direct) {
    const hint = `Use the page at ${address.origin}`;
    throw new SiteError(403, 'foreign-origin', 'Refused: the request does not come from a page of this site.', hint);
  }
  if (request.headers['x-warren'] !== '1') {
    throw new SiteError(
      403,
      'no-header',
      'Refused: the header "x-warren: 1" is missing.',
      'Send it with every change.',
    );
  }
}

/** The name in a Host header, lower case, without port; `undefined` for anything that is not `name[:port]`. */
export function hostName(host: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
}

function isIpLiteral(name: string): boolean {
  return name.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}
