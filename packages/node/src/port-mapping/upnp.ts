/**
 * Asks the router for an outside port by UPnP: SSDP finds it, its description
 * names the service, SOAP makes the mapping (UPnP IGD:1 and :2, WANIPConnection
 * 2.4.16 and 2.4.18). Only the default router is believed, and asked: anybody on
 * the network may answer SSDP and send us elsewhere.
 */
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import type { Mapping, Router, Wish } from './port-mapper.ts';

const SSDP = { address: '239.255.255.250', port: 1900 } as const;
const DEVICES = [1, 2].map(version => `urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`);
const SEARCH_MS = 2000;
const ANSWER_MS = 3000;
/** Longest description or answer that is read. */
const ANSWER_MAX_BYTES = 65_536;
/** Errors of WANIPConnection: somebody else has the port; leases have no end here. */
const CONFLICT = 718;
const PERMANENT_ONLY = 725;
/** Outside ports tried where the first is taken. */
const TRIES = 3;

/** A service of the router that makes mappings. */
interface Service {
  readonly type: string;
  readonly control: string;
}

/** What the router was found to have, so that a mapping is renewed and removed where it was made. */
const found = new Map<string, Service>();

/** Asks by UPnP; `undefined` where the router refuses or does not speak it. */
export async function mapByUpnp(router: Router, wish: Wish): Promise<Mapping | undefined> {
  const service = found.get(router.gateway) ?? (await find(router));
  if (service === undefined) return undefined;
  found.set(router.gateway, service);
  const protocol = wish.protocol.toUpperCase();
  if (wish.lifetimeS === 0) {
    const which = { NewRemoteHost: '', NewExternalPort: wish.outsidePort ?? wish.port, NewProtocol: protocol };
    await call(service, 'DeletePortMapping', which);
    return undefined;
  }
  let port = wish.outsidePort ?? wish.port;
  let lifetimeS = wish.lifetimeS;
  for (let tries = 0; tries < TRIES; tries++) {
    const error = await call(service, 'AddPortMapping', {
      NewRemoteHost: '',
      NewExternalPort: port,
      NewProtocol: protocol,
      NewInternalPort: wish.port,
      NewInternalClient: router.own,
      NewEnabled: 1,
      NewPortMappingDescription: 'Warren',
      NewLeaseDuration: lifetimeS,
    });
    if (typeof error === 'string') {
      const answer = await call(service, 'GetExternalIPAddress', {});
      const address = typeof answer === 'string' ? textOf(answer, 'NewExternalIPAddress') : undefined;
      return address !== undefined && isIPv4(address)
        ? { outside: `${address}:${port}`, lifetimeS: wish.lifetimeS }
        : undefined;
    }
    if (error === PERMANENT_ONLY) lifetimeS = 0;
    else if (error === CONFLICT) port = 1024 + ((port + 7919) % 64_000);
    else break;
  }
  found.delete(router.gateway);
  return undefined;
}

async function find(router: Router): Promise<Service | undefined> {
  const location = await search(router);
  const description = location && (await fetchText(location, {}))?.text;
  return location === undefined || description === undefined ? undefined : serviceIn(description, location);
}

/** Where the default router describes itself; whatever anybody else says is not heard. */
function search({ gateway, own }: Router): Promise<string | undefined> {
  const socket = createSocket('udp4');
  let timer: NodeJS.Timeout | undefined;
  return new Promise<string | undefined>(resolve => {
    socket.on('error', () => resolve(undefined));
    socket.on('message', (message, from) => {
      const location = /^location:\s*(\S{1,256})\s*$/im.exec(message.toString('latin1'))?.[1] ?? '';
      const isRouter = from.address === gateway && URL.canParse(location) && new URL(location).hostname === gateway;
      if (isRouter && location.startsWith('http://')) resolve(location);
    });
    socket.bind(0, own, () => {
      for (const device of DEVICES) {
        const lines = ['M-SEARCH * HTTP/1.1', `HOST: ${SSDP.address}:${SSDP.port}`, 'MAN: "ssdp:discover"', 'MX: 1'];
        const query = Buffer.from(`${[...lines, `ST: ${device}`].join('\r\n')}\r\n\r\n`);
        for (const to of [SSDP.address, gateway]) socket.send(query, SSDP.port, to, () => {});
      }
      timer = setTimeout(resolve, SEARCH_MS, undefined);
    });
  }).finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/** The first service for mappings in a description that came from `location`, on the same server. */
export function serviceIn(description: string, location: string): Service | undefined {
  for (const [, service = ''] of description.matchAll(/<service>(.*?)<\/service>/gs)) {
    const [type, control] = [textOf(service, 'serviceType'), textOf(service, 'controlURL')];
    if (type === undefined || control === undefined || !/:service:WAN(IP|PPP)Connection:[12]$/.test(type)) continue;
    if (!URL.canParse(control, location)) continue;
    const url = new URL(control, location);
    if (url.protocol === 'http:' && url.hostname === new URL(location).hostname) return { type, control: url.href };
  }
  return undefined;
}

/** Calls an action: the body of the answer, or the number of an error (0 where none was given). */
async function call(
  service: Service,
  action: string,
  given: Record<string, string | number>,
): Promise<string | number> {
  const fields = Object.entries(given).map(([name, value]) => `<${name}>${value}</${name}>`);
  const body =
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${service.type}">${fields.join('')}</u:${action}></s:Body></s:Envelope>`;
  const headers = { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${service.type}#${action}"` };
  const answer = await fetchText(service.control, { method: 'POST', headers, body });
  if (answer?.isOk) return answer.text;
  return Number(textOf(answer?.text ?? '', 'errorCode') ?? 0);
}

/** The text of the first element of that name, which has no prefix and no attributes in any known router's answer. */
export function textOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([^<]{1,512}?)\\s*</${name}>`).exec(xml)?.[1];
}

async function fetchText(url: string, init: RequestInit): Promise<{ isOk: boolean; text: string } | undefined> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > ANSWER_MAX_BYTES) return undefined;
      chunks.push(chunk);
    }
    return { isOk: response.ok, text: Buffer.concat(chunks).toString('utf8') };
  } catch {
    return undefined;
  }
}
