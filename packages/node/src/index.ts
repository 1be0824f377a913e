export { nodeAead, nodeAesGcm } from './aead.ts';
export { nodeCrypto } from './crypto.ts';
export type { DatagramCounters, NodeDatagrams } from './datagrams.ts';
export { type NodeHost, type NodeHostOptions, nodeHost } from './host.ts';
export { pinnedFetch, ServerKeyError } from './pinned.ts';
export { type Notice, type ServiceManager, serviceManager } from './sd-notify.ts';
export { openStorage, StorageError } from './storage.ts';
export type { FramesCounters, Tap } from './tap.ts';
export { WEBSOCKET_MESSAGE_MAX_BYTES } from './websocket.ts';
