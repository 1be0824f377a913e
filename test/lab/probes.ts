/**
 * User traffic that numbers its packets, and the gaps that it sees: the machine's own `ping` every 100 ms, and a stream of
 * UDP to an echo service every 20 ms. A gap is from the sending of the first lost packet to the first answer after.
 */
import type { Lab } from '../netns/lab.ts';
import type { LabProcess } from '../netns/lab-process.ts';

/** An answered packet. Times in milliseconds since 1970. */
export interface Answer {
  readonly number: number;
  readonly sentAt: number;
  readonly at: number;
}

/** One kind of traffic that runs. */
export class Probe {
  /** In the order of their coming. */
  readonly answers: Answer[] = [];
  readonly intervalMs: number;
  private readonly process: LabProcess;

  private constructor(lab: Lab, host: string, argv: readonly string[], intervalMs: number, read: Read) {
    this.intervalMs = intervalMs;
    const onLine = (line: string): void => {
      const answer = read(line);
      if (answer !== undefined) this.answers.push(answer);
    };
    this.process = lab.spawn(host, argv, { onLine });
  }

  static ping(lab: Lab, host: string, address: string, intervalMs = 100): Probe {
    const argv = ['ping', '-n', '-D', '-i', String(intervalMs / 1_000), address];
    return new Probe(lab, host, argv, intervalMs, readPing);
  }

  static udp(lab: Lab, host: string, address: string, port: number, intervalMs = 20): Probe {
    const argv = [process.execPath, '-e', STREAM, address, String(port), String(intervalMs)];
    return new Probe(lab, host, argv, intervalMs, readStream);
  }

  /** The longest gap that began after a moment, as far as it has ended. */
  gapAfter(moment: number): number {
    return longestGap(this.answers, this.intervalMs, moment);
  }

  stop(): Promise<unknown> {
    return this.process.stop();
  }
}

/** 0 without a loss. Late answers count when they come. */
export function longestGap(answers: readonly Answer[], intervalMs: number, after = 0): number {
  const sorted = [...answers].sort((a, b) => a.number - b.number);
  let longest = 0;
  for (const [i, { number, sentAt }] of sorted.entries()) {
    const next = sorted[i + 1];
    const lostAt = sentAt + intervalMs;
    // A packet that was under way at that moment may have been sent just before it.
    if (next === undefined || next.number === number + 1 || lostAt < after - 2 * intervalMs) continue;
    longest = Math.max(longest, next.at - lostAt);
  }
  return longest;
}

type Read = (line: string) => Answer | undefined;

function readPing(line: string): Answer | undefined {
  const [, at, number, rttMs] = /^\[([\d.]+)\].* icmp_seq=(\d+) .*time=([\d.]+) ms/.exec(line) ?? [];
  if (at === undefined) return undefined;
  const ms = Number(at) * 1_000;
  return { number: Number(number), sentAt: ms - Number(rttMs), at: ms };
}

function readStream(line: string): Answer | undefined {
  const [, number, sentAt, at] = /^(\d+) ([\d.]+) ([\d.]+)$/.exec(line) ?? [];
  return at === undefined ? undefined : { number: Number(number), sentAt: Number(sentAt), at: Number(at) };
}

/** Says number, time of sending and time of the answer, for each answer. */
const STREAM = `const [address, port, every] = process.argv.slice(1);
  const socket = require('node:dgram').createSocket('udp4');
  const now = () => performance.timeOrigin + performance.now();
  socket.on('error', () => {});
  socket.on('message', bytes => console.log(bytes + ' ' + now().toFixed(3)));
  let number = 0;
  setInterval(() => socket.send(number++ + ' ' + now().toFixed(3), Number(port), address, () => {}), Number(every));`;
