export { type BrowserHost, browserHost } from './host.ts';
export { type Leadership, lead, takeLead, waitForLead } from './leader.ts';
export { keepStorage } from './storage.ts';
