export type { DeviceStatus, PingEvent, PingTarget, Status } from './control-api.ts';
export type { Health } from './health.ts';
export type { Step } from './progress.ts';
