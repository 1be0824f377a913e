export { explain } from './failures.ts';
export { parseOptions, type SiteOptions } from './options.ts';
export { buildServer, type ServerOptions } from './server.ts';
export type { Site, SiteAddress } from './site.ts';
export { type AttachBootstrap, type RunningSite, type Surroundings, startSite } from './start.ts';
