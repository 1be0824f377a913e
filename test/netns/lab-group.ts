/**
 * A lab with a site in its host `site`, an account called ada and a group of
 * hers: what most tests of edges begin with.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab } from './lab.ts';
import { LabEdge, type LabEdgeOptions } from './lab-edge.ts';
import { LabSite } from './lab-site.ts';
import { SiteClient } from './site-client.ts';

export class LabGroup {
  readonly lab: Lab;
  /** Goes in the end, with all that was put in. */
  readonly folder: string;
  readonly site: LabSite;
  readonly ada: SiteClient;
  /** Its id. */
  readonly group: string;

  private constructor(lab: Lab, folder: string, site: LabSite, ada: SiteClient, group: string) {
    this.lab = lab;
    this.folder = folder;
    this.site = site;
    this.ada = ada;
    this.group = group;
  }

  /** Builds a lab with the host `site` and these others. `siteData` is the site's data folder, in `folder` by default. */
  static async create(hosts: readonly string[], { siteData }: { siteData?: string } = {}): Promise<LabGroup> {
    const folder = await mkdtemp(join(tmpdir(), 'warren-group-'));
    const lab = await Lab.create({ hosts: ['site', ...hosts] });
    try {
      const site = await LabSite.start(lab, folder, siteData === undefined ? {} : { data: siteData });
      const ada = await SiteClient.first(lab, site);
      return new LabGroup(lab, folder, site, ada, await ada.newGroup('Lab'));
    } catch (error) {
      await lab.close();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The text of a fresh group file for a machine. */
  groupFile(device: string): Promise<string> {
    return this.ada.groupFile(this.group, device);
  }

  /** Adds the machine of a host to the group, as a device of the same name, and starts it. */
  async join(host: string, options: LabEdgeOptions = {}): Promise<LabEdge> {
    return LabEdge.join(this.lab, this.folder, host, await this.groupFile(host), options);
  }

  async end(): Promise<void> {
    await this.lab.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
