/**
 * A person at a site in a lab who uses its HTTP API without a browser, by
 * curl inside the site's host: makes the first account, groups, and files for
 * devices.
 */
import type { Lab } from './lab.ts';
import type { LabSite } from './lab-site.ts';

const PASSWORD = 'a few random words';

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** One signed-in account. */
export class SiteClient {
  private readonly lab: Lab;
  private readonly site: LabSite;
  private cookie = '';

  private constructor(lab: Lab, site: LabSite) {
    this.lab = lab;
    this.site = site;
  }

  /** Makes the first account with the one-time link. */
  static async first(lab: Lab, site: LabSite, name = 'ada'): Promise<SiteClient> {
    const client = new SiteClient(lab, site);
    const token = site.setupLink.split('#setup=')[1];
    await client.post('/api/signup', { name, displayName: name, password: PASSWORD, token });
    return client;
  }

  /** Makes a group; answers its id. */
  async newGroup(name: string): Promise<string> {
    return (await this.post('/api/groups', { name })).body.group.group;
  }

  /**
   * Adds a Linux machine to a group; answers the text of its group file. `key`, SHA-256 of its public key as base64url,
   * is for one that enrolled before.
   */
  async groupFile(group: string, device: string, key?: string): Promise<string> {
    const wish = { device, kind: 'edge', ...(key === undefined ? {} : { key }) };
    const { body } = await this.post(`/api/groups/${group}/devices`, wish);
    return `${JSON.stringify(body.file, null, 2)}\n`;
  }

  get(path: string): Promise<Answer> {
    return this.ask(path, []);
  }

  /** Rejects unless the answer is good. */
  async post(path: string, body: object): Promise<Answer> {
    const data = ['-X', 'POST', '-H', 'content-type: application/json', '--data-binary', JSON.stringify(body)];
    const answer = await this.ask(path, data);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  /** Gives a device these rights, instead of those that it has. */
  async setRights(group: string, peerId: string, rights: readonly string[]): Promise<void> {
    const data = ['-X', 'PUT', '-H', 'content-type: application/json', '--data-binary', JSON.stringify({ rights })];
    const { status, body } = await this.ask(`/api/groups/${group}/devices/${peerId}/rights`, data);
    if (status >= 300) throw new Error(`rights: ${status} ${JSON.stringify(body)}`);
  }

  /** Gives a member these teams, instead of those that it has. */
  async setTeams(group: string, user: string, teams: readonly string[]): Promise<void> {
    const data = ['-X', 'PUT', '-H', 'content-type: application/json', '--data-binary', JSON.stringify({ teams })];
    const { status, body } = await this.ask(`/api/groups/${group}/members/${user}/teams`, data);
    if (status >= 300) throw new Error(`teams: ${status} ${JSON.stringify(body)}`);
  }

  /** Rejects unless the answer is good. */
  async delete(path: string): Promise<void> {
    const { status, body } = await this.ask(path, ['-X', 'DELETE']);
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  }

  private async ask(path: string, args: readonly string[]): Promise<Answer> {
    const { origin, host, pin } = this.site;
    const cookie = this.cookie === '' ? [] : ['-b', this.cookie];
    const headers = ['-H', 'x-warren: 1', '-H', `origin: ${origin}`, ...cookie];
    const argv = ['curl', '-sSik', '--pinnedpubkey', `sha256//${pin}`, '-m', '10', ...headers, ...args, origin + path];
    const { stdout } = await this.lab.exec(host, argv);
    const [head = '', ...rest] = stdout.split('\r\n\r\n');
    this.cookie = /^set-cookie: ([^;\r\n]+)/im.exec(head)?.[1] ?? this.cookie;
    const text = rest.join('\r\n\r\n');
    const isJson = /^content-type: application\/json/im.test(head);
    return { status: Number(head.split(' ')[1]), body: isJson ? JSON.parse(text) : text };
  }
}
