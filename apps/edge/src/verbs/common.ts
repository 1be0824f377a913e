/** What all verbs share: options, and the way to the daemon. */
import { InvalidArgumentError } from 'commander';
import { ControlClient } from '../control-client.ts';
import { Exit, Failure } from '../failure.ts';
import { type PlaceOptions, placesFor } from '../places.ts';
import type { Terminal } from '../terminal.ts';

/** Options that every verb takes. */
export interface CommonOptions extends PlaceOptions {
  /** A configuration file in place of the usual ones. */
  readonly config?: string;
  readonly json?: true;
}

/** What a verb is given beside its own arguments and options. */
export interface Context {
  readonly terminal: Terminal;
  /** The words behind `warren`. */
  readonly argv: readonly string[];
  readonly version: string;
}

/** Carries out a verb and returns the exit code; rejects with what `explain` puts into words. */
export type Verb<O> = (args: readonly string[], options: O & CommonOptions, context: Context) => Promise<number>;

/** The daemon that the options lead to. */
export function clientFor(options: PlaceOptions, { terminal, argv }: Context): ControlClient {
  const { sockets } = placesFor(options, terminal);
  return new ControlClient({ sockets, args: argv, env: terminal.env });
}

/** For commander: a whole number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return text => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}

/** For commander: seconds within bounds, such as `0.2`. */
export function seconds(least: number, most: number): (text: string) => number {
  return text => {
    const value = /^\d{0,6}(\.\d{1,6})?$/.test(text) && text !== '' ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give seconds from ${least} to ${most}, such as 0.5.`);
  };
}

const PAUSE_MAX_MINUTES = 60;

/** For commander: the minutes of a pause, `5` or `5m`. */
export function minutes(text: string): number {
  const number = Number(/^(\d{1,2})m?$/.exec(text)?.[1]);
  if (number >= 1 && number <= PAUSE_MAX_MINUTES) return number;
  throw new InvalidArgumentError(`Give minutes from 1 to ${PAUSE_MAX_MINUTES}, such as 5m.`);
}

/** A terminal from afar is reached by the way that the tunnel closes. */
export function refuseToCutSsh({ terminal: { env } }: Context, accepted: string | undefined): void {
  if (env.SSH_CONNECTION === undefined || accepted === 'lose-ssh') return;
  const hint = 'Give --accept-risk=lose-ssh to go on all the same; addresses of the local network stay reachable.';
  throw new Failure('lose-ssh', 'This terminal comes by SSH, which the tunnel may cut off.', hint, Exit.usage);
}
