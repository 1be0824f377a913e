/**
 * Where state and control socket are: what was said on the command line, then in
 * the environment, then the system's custom (dependencies.md 4.4).
 */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Terminal } from './terminal.ts';

const SYSTEM_STATE = '/var/lib/warren';
const SYSTEM_SOCKET = '/run/warren/warren.sock';

export interface PlaceOptions {
  readonly state?: string;
  readonly socket?: string;
}

/** Absolute paths. */
export interface Places {
  readonly stateDir: string;
  /** Where a daemon listens. */
  readonly socket: string;
  /** Where a command looks for a daemon, in this order. */
  readonly sockets: readonly string[];
}

/** Finds the places. A state folder of one's own choice has its socket inside, so that several daemons live side by side. */
export function placesFor(options: PlaceOptions, terminal: Pick<Terminal, 'env' | 'cwd' | 'isRoot'>): Places {
  const { env, cwd, isRoot } = terminal;
  const state = options.state ?? (env.WARREN_STATE || undefined);
  const socket = options.socket ?? (env.WARREN_SOCKET || undefined);
  const stateDir = resolve(cwd, state ?? (isRoot ? SYSTEM_STATE : userState(env)));
  const own = join(stateDir, 'warren.sock');
  if (socket !== undefined) return { stateDir, socket: resolve(cwd, socket), sockets: [resolve(cwd, socket)] };
  if (state !== undefined) return { stateDir, socket: own, sockets: [own] };
  return { stateDir, socket: isRoot ? SYSTEM_SOCKET : own, sockets: isRoot ? [SYSTEM_SOCKET] : [own, SYSTEM_SOCKET] };
}

function userState(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_STATE_HOME;
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'warren');
}

/** How a person runs us as root: `sudo npx warren up ./home.warren`. */
export function sudoLine(args: readonly string[], env: NodeJS.ProcessEnv): string {
  return asTyped(`\`sudo warren ${args.map(quoted).join(' ')}\``, env);
}

/** Advice with the command as this person types it: `` `warren up` `` or `` `npx warren up` ``. */
export function asTyped(text: string, env: NodeJS.ProcessEnv): string {
  return env.npm_command === 'exec' ? text.replaceAll(/`(sudo )?warren /g, '`$1npx warren ') : text;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
