/**
 * People in a lab: each with a browser of their own in a host of the lab, in a
 * profile on disk, so that it can be killed and started again as the same.
 */
import { join } from 'node:path';
import type { BrowserContext } from 'playwright';
import type { Lab } from '../netns/lab.ts';
import type { LabSite } from '../netns/lab-site.ts';
import { launchProfile } from './chromium.ts';
import { launchFirefoxProfile } from './firefox.ts';
import { Person } from './person.ts';

export type BrowserProgram = 'chromium' | 'firefox';

/** A host of the lab with a browser. */
export class LabBrowser {
  readonly host: string;
  person!: Person;
  private context!: BrowserContext;
  private readonly lab: Lab;
  private readonly site: LabSite;
  private readonly profile: string;
  private readonly name: string;
  private readonly program: BrowserProgram;

  private constructor(lab: Lab, site: LabSite, folder: string, host: string, name: string, program: BrowserProgram) {
    this.lab = lab;
    this.site = site;
    this.host = host;
    this.name = name;
    this.program = program;
    this.profile = join(folder, `${host}-profile`);
  }

  /** Starts a browser with a fresh profile, kept in `folder`, for a person called `name`. */
  static async open(
    lab: Lab,
    site: LabSite,
    folder: string,
    host: string,
    name: string,
    program: BrowserProgram = 'chromium',
  ): Promise<LabBrowser> {
    const browser = new LabBrowser(lab, site, folder, host, name, program);
    await browser.start();
    return browser;
  }

  /** Starts it, or again after `kill`, with the same profile. `person` is in a new tab then. */
  async start(): Promise<void> {
    const namespace = this.lab.namespace(this.host);
    const args = [`--ignore-certificate-errors-spki-list=${this.site.pin}`];
    this.context =
      this.program === 'firefox'
        ? await launchFirefoxProfile(this.profile, { namespace })
        : await launchProfile(this.profile, { namespace, args });
    this.person = Person.at(this.context.pages()[0] ?? (await this.context.newPage()), this.name);
  }

  /** Ends the browser without a word to anybody: no `pagehide`, no goodbye. */
  async kill(): Promise<void> {
    const gone = new Promise<void>(resolve => this.context.once('close', () => resolve()));
    await this.lab.killAll(this.host);
    await gone;
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
