/**
 * A member of a group in this process, as an edge is one, but without an
 * Ethernet device: so that tests can have many beside tabs, and need no root.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseGroupFile } from '@warren/group';
import { nodeHost } from '@warren/node';
import { enrol, type GroupView, type Host, startPeer, type WarrenGroup, type WarrenPeer } from '@warren/peer';
import type { Page } from 'playwright';

const LINK_PATIENCE_MS = 60_000;

/** One member. */
export class NodeMember {
  readonly device: string;
  readonly peer: WarrenPeer;
  readonly group: WarrenGroup;
  private readonly folder: string;
  private readonly wire: Wire;

  private constructor(device: string, peer: WarrenPeer, group: WarrenGroup, folder: string, wire: Wire) {
    this.device = device;
    this.peer = peer;
    this.group = group;
    this.folder = folder;
    this.wire = wire;
  }

  /** Joins with a group file that the person signed in at `page` asks the site for. */
  static async join(page: Page, group: string, device: string): Promise<NodeMember> {
    const file = parseGroupFile(JSON.stringify(await groupFile(page, group, device)));
    if ('error' in file) throw new Error(file.error);
    const folder = await mkdtemp(join(tmpdir(), 'warren-member-'));
    const wire = cuttable(await nodeHost({ kind: 'edge', stateDir: folder }));
    const { host } = wire;
    const membership = await enrol(host, file, { fetch });
    const peer = await startPeer(host, { bootstraps: file.bootstraps });
    return new NodeMember(device, peer, await peer.join(membership), folder, wire);
  }

  /** Waits until there is a link to another member. */
  async linked(): Promise<void> {
    for (const giveUp = performance.now() + LINK_PATIENCE_MS; this.view().links.length === 0; ) {
      if (performance.now() > giveUp) throw new Error(`${this.device} found no other member`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  /** Lets no UDP pass between the two from now on, so that others have to relay. */
  static part(a: NodeMember, b: NodeMember): void {
    for (const port of b.ports()) a.wire.cut.add(port);
    for (const port of a.ports()) b.wire.cut.add(port);
  }

  view(): GroupView {
    return this.group.view();
  }

  private ports(): string[] {
    return this.wire.host.datagrams.localAddresses().map(portOf);
  }

  async stop(): Promise<void> {
    await this.peer.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function groupFile(page: Page, group: string, device: string): Promise<object> {
  return page.evaluate(
    async ({ group, device }) => {
      const response = await fetch(`/api/groups/${group}/devices`, {
        method: 'POST',
        headers: { 'x-warren': '1', 'content-type': 'application/json' },
        body: JSON.stringify({ device, kind: 'edge' }),
      });
      return ((await response.json()) as { file: object }).file;
    },
    { group, device },
  );
}

/** A host without an Ethernet device, and UDP ports of others that nothing goes to. */
interface Wire {
  readonly host: Host;
  readonly cut: Set<string>;
}

function cuttable(all: Host): Wire {
  const { kind, clock, random, storage, datagrams, crypto } = all;
  const cut = new Set<string>();
  const send: typeof datagrams.send = (path, bytes) => {
    if (!path.startsWith('udp/') || !cut.has(portOf(path))) datagrams.send(path, bytes);
  };
  const wire = new Proxy(datagrams, {
    get: (target, name) => {
      const value = name === 'send' ? send : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const host = {
    kind,
    clock,
    random,
    storage,
    crypto,
    datagrams: wire,
    identity: (name: string) => all.identity(name),
  };
  return { host, cut };
}

function portOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf(':') + 1);
}
