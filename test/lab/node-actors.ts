/** Participants in Node in a namespace of a lab: one process for all of them, which is told by lines. */
import { join } from 'node:path';
import type { LabProcess } from '../netns/lab-process.ts';
import { ROOT } from '../netns/lab-site.ts';
import type { Namespaces } from '../netns/namespaces.ts';
import type { Actor } from './actor.ts';
import type { Answer, Call } from './agent.ts';

const AGENT = join(import.meta.dirname, 'agent.ts');
const START_PATIENCE_MS = 60_000;

/** One process with any number of participants. */
export class NodeActors {
  readonly process: LabProcess;
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private calls = 0;
  private actors = 0;

  private constructor(lab: Namespaces, host: string) {
    const onLine = (line: string): void => this.hear(line);
    this.process = lab.spawn(host, [process.execPath, AGENT], { cwd: ROOT, isTold: true, onLine });
  }

  static async start(lab: Namespaces, host: string): Promise<NodeActors> {
    const actors = new NodeActors(lab, host);
    await actors.process.line(/^ready$/, START_PATIENCE_MS);
    return actors;
  }

  /** A fresh participant. */
  actor(): Actor {
    const actor = `a${this.actors++}`;
    const method =
      <T>(method: Call['method']) =>
      (...args: readonly unknown[]) =>
        this.call(actor, method, args) as Promise<T>;
    return {
      open: method('open'),
      join: method('join'),
      greet: method('greet'),
      met: method('met'),
      ping: method('ping'),
      view: method('view'),
      links: method('links'),
      close: method('close'),
    };
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  private async call(actor: string, method: Call['method'], args: readonly unknown[]): Promise<unknown> {
    const call = this.calls++;
    const answered = new Promise<Answer>(resolve => this.waiting.set(call, resolve));
    this.process.tell(JSON.stringify({ call, actor, method, args } satisfies Call));
    const ended = this.process.exit.then((): Answer => ({ call, error: 'the process has ended' }));
    const answer = await Promise.race([answered, ended]);
    this.waiting.delete(call);
    if ('error' in answer) throw new Error(answer.error);
    return answer.value;
  }

  private hear(line: string): void {
    if (!line.startsWith('{"call":')) return;
    const answer = JSON.parse(line) as Answer;
    this.waiting.get(answer.call)?.(answer);
  }
}
