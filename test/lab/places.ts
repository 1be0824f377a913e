/** Who runs where: a process with edges, or a browser with tabs, started at a host when it is first needed. */
import type { Namespaces } from '../netns/namespaces.ts';
import type { Actor } from './actor.ts';
import { BrowserActors, type BrowserName } from './browser-actors.ts';
import { NodeActors } from './node-actors.ts';

/** Of tabs, where browsers are mixed: one of so many is in Firefox, which takes more of the machine. */
const FIREFOX_EVERY = 4;

type Actors = Pick<NodeActors, 'stop'> & { actor(): Actor };

export class Places {
  private readonly lab: Namespaces;
  private readonly browser: BrowserName | 'mixed';
  private readonly started = new Map<string, Promise<Actors>>();
  private browsers = 0;

  constructor(lab: Namespaces, browser: BrowserName | 'mixed') {
    this.lab = lab;
    this.browser = browser;
  }

  /** A fresh participant at a host. */
  async actor(host: string, kind: 'edge' | 'tab'): Promise<Actor> {
    const name = `${host} ${kind}`;
    const actors = this.started.get(name) ?? this.start(host, kind);
    this.started.set(name, actors);
    return (await actors).actor();
  }

  /** Ends what runs at these hosts; absent: everywhere. */
  async leave(hosts?: readonly string[]): Promise<void> {
    for (const [name, actors] of [...this.started]) {
      if (hosts !== undefined && !hosts.includes(name.split(' ')[0] as string)) continue;
      this.started.delete(name);
      await (await actors).stop();
    }
  }

  private start(host: string, kind: 'edge' | 'tab'): Promise<Actors> {
    if (kind === 'edge') return NodeActors.start(this.lab, host);
    const isFirefox = this.browser === 'firefox' || (this.browser === 'mixed' && ++this.browsers % FIREFOX_EVERY === 0);
    return BrowserActors.start(this.lab, host, isFirefox ? 'firefox' : 'chromium');
  }
}
