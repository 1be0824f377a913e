/**
 * One WebSocket to a bootstrap node: one datagram in each binary message.
 */
import { BUFFERED_MAX_BYTES, type Way, type WayEvents } from '@warren/peer';
import { STREAM_PATH_BYTES } from '@warren/wire';

/** How long a WebSocket may take to open. */
const OPEN_TIMEOUT_MS = 15_000;

/** Dials `url` (`ws:` or `wss:`). All that follows comes as events, never before this returns. */
export function dialWebSocket(url: string, events: WayEvents): Way {
  let finish = (): void => {};
  const over = new Promise<void>(resolve => {
    finish = resolve;
  });
  let state: 'opening' | 'open' | 'closed' = 'opening';
  const end = (reason: string): void => {
    if (state === 'closed') return;
    const failed = state === 'opening';
    state = 'closed';
    clearTimeout(timeout);
    finish();
    if (failed) events.failed(reason);
    else events.down();
  };
  const timeout = setTimeout(() => {
    end(`no answer within ${OPEN_TIMEOUT_MS / 1000} s`);
    socket?.close();
  }, OPEN_TIMEOUT_MS);

  let socket: WebSocket | undefined;
  try {
    // The browser would take other addresses for places on this site.
    if (!/^wss?:\/\//i.test(url)) throw new Error('not a WebSocket address');
    socket = new WebSocket(url);
  } catch (cause) {
    queueMicrotask(() => end(whyRefused(url, cause)));
    return { send() {}, close() {}, over };
  }
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    if (state !== 'opening') return;
    clearTimeout(timeout);
    state = 'open';
    events.up(new Uint8Array(0));
  };
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (!(data instanceof ArrayBuffer) || data.byteLength === 0 || data.byteLength > STREAM_PATH_BYTES) {
      events.dropped();
    } else if (state === 'open') events.datagram(new Uint8Array(data));
  };
  socket.onclose = ({ code, reason }) => end(reason === '' ? `closed with code ${code}` : `closed: ${reason}`);

  return {
    send(bytes) {
      if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > BUFFERED_MAX_BYTES) events.dropped();
      else socket.send(bytes as Uint8Array<ArrayBuffer>);
    },
    close() {
      queueMicrotask(() => end('closed by us'));
      socket.close();
    },
    over,
  };
}

function whyRefused(url: string, cause: unknown): string {
  if (url.startsWith('ws:') && globalThis.location?.protocol === 'https:') {
    return 'a page loaded over https may only use wss: addresses';
  }
  return cause instanceof Error ? cause.message : 'the browser refused the address';
}
