/**
 * People in a lab: each with a browser of their own in a host of the lab, in a
 * profile on disk, so that it can be killed and started again as the same.
 */
import { join } from 'node:path';
import type { BrowserContext } from 'playwright';
import type { Lab } from '../netns/lab.ts';
import type { LabSite } from '../netns/lab-site.ts';
import { launchProfile } from './chromium.ts';
import { Person } from './person.ts';

/** A host of the lab with a browser. */
export class LabBrowser {
  readonly host: string;
  person!: Person;
  private context!: BrowserContext;
  private readonly lab: Lab;
  private readonly site: LabSite;
  private readonly profile: string;
  private readonly name: string;

  private constructor(lab: Lab, site: LabSite, folder: string, host: string, name: string) {
    this.lab = lab;
    this.site = site;
    this.host = host;
    this.name = name;
    this.profile = join(folder, `${host}-profile`);
  }

  /** Starts a browser with a fresh profile, kept in `folder`, for a person called `name`. */
  static async open(lab: Lab, site: LabSite, folder: string, host: string, name: string): Promise<LabBrowser> {
    const browser = new LabBrowser(lab, site, folder, host, name);
    await browser.start();
    return browser;
  }

  /** Starts it, or again after `kill`, with the same profile. `person` is in a new tab then. */
  async start(): Promise<void> {
    const args = [`--ignore-certificate-errors-spki-list=${this.site.pin}`];
    this.context = await launchProfile(this.profile, { namespace: this.lab.namespace(this.host), args });
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
