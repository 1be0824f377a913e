/**
 * A whole group site in a host of a lab, as `npm start` runs it: page, API and
 * bootstrap node on the host's own address, so with TLS of its own. Stops and
 * starts again with the same data.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Lab } from './lab.ts';
import type { LabProcess } from './lab-process.ts';

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, '..', '..');
const PORT = 8443;
/** The first start may build the page. */
const START_PATIENCE_MS = 90_000;

export interface LabSiteOptions {
  /** The lab's host; `site` by default. */
  readonly host?: string;
  /** The data folder; `<folder>/<host>-data` by default. */
  readonly data?: string;
}

/** A site that runs, or did. */
export class LabSite {
  readonly host: string;
  readonly origin: string;
  readonly data: string;
  /** SHA-256 of the TLS key, base64: Chromium's SPKI allow list and curl take it. */
  pin = '';
  /** The one-time link for the first account; empty once there is one. */
  setupLink = '';
  /** The last that was started. */
  process!: LabProcess;
  private readonly lab: Lab;
  private readonly folder: string;

  private constructor(lab: Lab, folder: string, { host = 'site', data }: LabSiteOptions) {
    this.lab = lab;
    this.folder = folder;
    this.host = host;
    this.data = data ?? join(folder, `${host}-data`);
    this.origin = `https://${lab.address(host)}:${PORT}`;
  }

  /** Starts a site; what it keeps goes into `folder`. */
  static async start(lab: Lab, folder: string, options: LabSiteOptions = {}): Promise<LabSite> {
    const site = new LabSite(lab, folder, options);
    await site.start();
    return site;
  }

  /** Starts the program without waiting for anything. */
  launch(): LabProcess {
    const listen = `${this.lab.address(this.host)}:${PORT}`;
    const argv = [process.execPath, join(ROOT, 'apps/site/src/main.ts'), '--listen', listen, '--data', this.data];
    const env = { XDG_STATE_HOME: join(this.folder, `${this.host}-state`) };
    this.process = this.lab.spawn(this.host, argv, { env, cwd: ROOT });
    return this.process;
  }

  /** Starts it, again with the same data, and waits until it stands. */
  async start(): Promise<void> {
    const site = this.launch();
    await site.line(/Ctrl-C stops it/, START_PATIENCE_MS);
    this.setupLink = site.lines.map(line => /https:\/\/\S+#setup=\S+/.exec(line)?.[0]).find(Boolean) ?? '';
    const certificate = new X509Certificate(await readFile(join(this.data, 'tls.crt')));
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    this.pin = createHash('sha256').update(spki).digest('base64');
  }

  /** Ends it as Ctrl-C does. */
  async stop(): Promise<void> {
    await this.process.stop();
  }
}
