/**
 * HTTP: state of the site, sign-up, sign-in, sign-out.
 */
import { Type } from 'typebox';
import { checkSignIn, needsSetup, signUp } from '../accounts.ts';
import { SiteError } from '../errors.ts';
import { endSession, signedIn, startSession } from '../sessions.ts';
import { MINUTE, type Site } from '../site.ts';
import { type App, RARE, Text } from './api.ts';

const SignUp = Type.Object({ name: Text, displayName: Text, password: Text, token: Text });
const SignIn = Type.Object({ name: Text, password: Text });

/** Adds the routes. */
export function accountRoutes(app: App, site: Site): void {
  const guesses = app.createRateLimit({
    max: 10,
    timeWindow: 5 * MINUTE,
    keyGenerator: request => `${request.ip} ${(request.body as { name: string }).name}`,
  });

  app.get('/api/state', async request => {
    const user = await signedIn(site, request);
    const setup = await needsSetup(site.db);
    const { bootstraps, stun } = site.address;
    return { setup, ...(user && { user }), bootstraps, stun, version: site.version };
  });

  app.post('/api/signup', { schema: { body: SignUp }, config: RARE }, async (request, reply) => {
    const user = await signUp(site, request.body);
    await startSession(site, user.name, request, reply);
    return { user };
  });

  app.post('/api/signin', { schema: { body: SignIn }, config: RARE }, async (request, reply) => {
    const limit = await guesses(request);
    if (!limit.isAllowed && limit.isExceeded) {
      const hint = `Wait ${Math.ceil(limit.ttl / MINUTE)} minutes and try again.`;
      throw new SiteError(429, 'too-many-tries', 'Too many tries for this account.', hint);
    }
    const user = await checkSignIn(site, request.body.name, request.body.password);
    await startSession(site, user.name, request, reply);
    return { user };
  });

  app.post('/api/signout', async (request, reply) => {
    await endSession(site, request, reply);
    return {};
  });
}
