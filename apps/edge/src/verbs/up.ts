/** `warren up`: joins the groups of this machine, and stays. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GroupFile } from '@warren/group';
import { serviceManager } from '@warren/node';
import { type Command, InvalidArgumentError } from 'commander';
import { upInBackground } from '../background.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../daemon.ts';
import { Exit, Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { asTyped, placesFor, sudoLine } from '../places.ts';
import { deviceObstacle, thisMachine } from '../privilege.ts';
import { type Step, stepText } from '../progress.ts';
import { readGroupFile } from '../read-group-file.ts';
import { DaemonSettings } from '../settings/daemon-settings.ts';
import { keptSettings } from '../settings/kept.ts';
import { fromEnvironment, fromFiles, type Texts } from '../settings/sources.ts';
import type { Terminal } from '../terminal.ts';
import { type CommonOptions, type Context, minutes, refuseToCutSsh, type Verb, wholeNumber } from './common.ts';

/** A stop that takes longer is cut off: the kernel removes devices and sockets anyway. */
const STOP_LIMIT_MS = 900;
/** How often we say that we live, where nobody says how often. */
const WATCHDOG_MS = 60_000;

export interface UpOptions {
  readonly detach?: true;
  readonly interface?: string;
  readonly udpPort?: number;
  readonly udp: boolean;
  readonly fullTunnel?: true;
  readonly exitNode?: string;
  /** Minutes. */
  readonly pause?: number;
  readonly acceptRisk?: string;
  readonly gateway?: true;
  readonly listenWs?: number;
  readonly portMapping: boolean;
  readonly lan: boolean;
}

export function describeUp(command: Command): Command {
  return command
    .description('Join with a group file, or start again without: a network device for each group comes up.')
    .argument('[group file]', 'from the group page; needed once only')
    .option('-d, --detach', 'go on in the background, and return once all is connected')
    .option('--interface <name>', 'name of the network device (default: wr and 8 letters of the group)', interfaceName)
    .option('--udp-port <port>', 'UDP port for direct links (default: any)', wholeNumber(1, 65_535))
    .option('--full-tunnel', 'send all Internet traffic through a gateway of the group')
    .option('--exit-node <member>', 'the same, through this one only')
    .option('--pause <minutes>', 'with a full tunnel: begin with a pause, for the login page of a hotel', minutes)
    .option('--accept-risk <risk>', 'lose-ssh: begin a full tunnel although this terminal may be cut off')
    .option('--gateway', 'offer the Internet to members: needs the right for it')
    .option('--no-udp', 'no UDP: links by WebSocket and WebRTC only')
    .option('--listen-ws <port>', 'TCP port for members whose networks block UDP, such as 443', wholeNumber(1, 65_535))
    .option('--no-port-mapping', 'do not ask the router for a port')
    .option('--no-lan', 'neither announce this machine in the local network nor listen for members there')
    .addHelpText(
      'after',
      `
Examples:
  $ sudo warren up ./home-laptop.warren       join; Ctrl-C stops
  $ sudo warren up --detach                   the same again, in the background
  $ sudo warren up --udp-port 41641           with a port that a firewall lets in

It needs root, or CAP_NET_ADMIN. A group file works once; keys and certificates are kept in the state folder.`,
    );
}

export const up: Verb<UpOptions> = async ([path], options, context) => {
  const { terminal, argv, version } = context;
  if (!options.udp && options.udpPort !== undefined) {
    throw new Failure('usage', '--udp-port and --no-udp exclude each other.', 'Give one of them.', Exit.usage);
  }
  const sudo = sudoLine(argv, terminal.env);
  const obstacle = deviceObstacle(thisMachine(), sudo);
  const file = path === undefined ? undefined : await fileOf(path, terminal.cwd, obstacle);
  if (obstacle !== undefined) throw obstacle;
  if (options.fullTunnel || options.exitNode !== undefined) refuseToCutSsh(context, options.acceptRisk);
  const { stateDir, socket } = placesFor(options, terminal);
  const flags = { source: 'command line', texts: flagTexts(options) } as const;
  const elsewhere = [
    fromEnvironment(terminal.env),
    await keptSettings(stateDir),
    ...(await fromFiles(terminal, options.config)),
  ];
  const settings = new DaemonSettings({ stateDir, said: [flags, ...elsewhere] });
  const say = sayTo(terminal, options);
  if (options.detach && terminal.tell === undefined) {
    const rest = backgroundArgs(path, options, { stateDir, socket }, terminal.cwd);
    return upInBackground(rest, stateDir, say);
  }
  const stopped = new AbortController();
  return runDaemon(terminal, stopped, {
    version,
    stateDir,
    socket,
    settings,
    ...(options.pause === undefined ? {} : { pauseMs: options.pause * 60_000 }),
    sudo,
    say,
    stopped: stopped.signal,
    ...(file === undefined ? {} : { file }),
    ...(options.interface === undefined ? {} : { interfaceName: options.interface }),
  });
};

/** Settings that flags of `up` say for this run. */
function flagTexts({ udp, udpPort, gateway, fullTunnel, exitNode, listenWs, portMapping, lan }: UpOptions): Texts {
  return {
    ...(udp ? {} : { udp: 'off' }),
    ...(gateway ? { gateway: 'on' } : {}),
    ...(fullTunnel || exitNode !== undefined ? { 'exit-node': exitNode ?? 'auto' } : {}),
    ...(portMapping ? {} : { 'port-mapping': 'off' }),
    ...(lan ? {} : { lan: 'off' }),
    ...(listenWs === undefined ? {} : { 'listen-ws': String(listenWs) }),
    ...(udpPort === undefined ? {} : { 'udp-port': String(udpPort) }),
  };
}

/** Who may not make devices often may not read the file either, and needs to hear of the first only. */
async function fileOf(path: string, cwd: string, obstacle: Failure | undefined): Promise<GroupFile> {
  try {
    return await readGroupFile(path, cwd);
  } catch (error) {
    throw error instanceof Failure && error.code === 'unreadable' && obstacle !== undefined ? obstacle : error;
  }
}

async function runDaemon(terminal: Terminal, stopped: AbortController, o: DaemonOptions): Promise<number> {
  process.umask(0o077);
  process.on('unhandledRejection', reason => {
    terminal.err(`warren: mistake in Warren, please report it: ${reason instanceof Error ? reason.stack : reason}`);
  });
  const interrupted = new Promise<NodeJS.Signals>(done => {
    onInterrupt(signal => {
      stopped.abort();
      done(signal);
    });
  });
  const manager = await serviceManager(terminal.env);
  const starting = startDaemon(o);
  const started = await Promise.race([starting, interrupted]);
  if (typeof started === 'string') {
    await limited(starting.then(daemon => daemon.stop()).catch(() => {}));
    return Exit.interrupted;
  }
  // Ready to be asked: whether anybody else is there yet is another question, at boot above all.
  manager.tell({ READY: '1', STATUS: 'started' });
  const { watchdogMs } = manager;
  const watchdog = setInterval(() => manager.tell({ WATCHDOG: '1' }), (watchdogMs ?? WATCHDOG_MS) / 2);
  let isReady = false;
  void started.ready.then(() => {
    isReady = true;
    manager.tell({ STATUS: 'connected' });
  });
  const why = await Promise.race([interrupted, started.ended]);
  clearInterval(watchdog);
  manager.tell({ STOPPING: '1' });
  // A service manager that starts us again says so by this signal: the user's traffic waits for the next daemon.
  const keepClosed = why === 'SIGHUP' && manager.isThere;
  await limited(stopDaemon(started, terminal, keepClosed));
  if (why instanceof Failure) throw why;
  return why === 'SIGINT' && !isReady ? Exit.interrupted : Exit.ok;
}

async function stopDaemon(daemon: Daemon, terminal: Terminal, keepClosed: boolean): Promise<void> {
  try {
    await daemon.stop({ keepClosed });
  } catch (error) {
    terminal.err(`warren: stopping failed: ${error instanceof Error ? error.message : error}`);
  }
}

function limited(work: Promise<void>): Promise<void> {
  return Promise.race([work, sleep(STOP_LIMIT_MS)]);
}

function sayTo(terminal: Terminal, { json, detach }: CommonOptions & UpOptions): (step: Step) => void {
  const next = `\`warren status\` shows members; ${detach ? '`warren down`' : 'Ctrl-C'} stops`;
  return step => {
    const text = step.step === 'ready' && terminal.tell === undefined ? `ready: ${next}` : stepText(step);
    if (json) terminal.out(JSON.stringify(step));
    else if (step.step === 'problem') terminal.err(`warren: ${asTyped(text, terminal.env)}`);
    else terminal.out(asTyped(text, terminal.env));
    terminal.tell?.({ step });
  };
}

/** The same command for the process in the background, which has another working directory. */
function backgroundArgs(
  path: string | undefined,
  options: UpOptions & CommonOptions,
  places: { stateDir: string; socket: string },
  cwd: Context['terminal']['cwd'],
): string[] {
  return [
    'up',
    ...(path === undefined ? [] : [resolve(cwd, path)]),
    ...['--state', places.stateDir, '--socket', places.socket],
    ...(options.config === undefined ? [] : ['--config', resolve(cwd, options.config)]),
    ...(options.interface === undefined ? [] : ['--interface', options.interface]),
    ...(options.udpPort === undefined ? [] : ['--udp-port', String(options.udpPort)]),
    ...(options.udp ? [] : ['--no-udp']),
    ...(options.listenWs === undefined ? [] : ['--listen-ws', String(options.listenWs)]),
    ...(options.portMapping ? [] : ['--no-port-mapping']),
    ...(options.lan ? [] : ['--no-lan']),
    ...(options.gateway ? ['--gateway'] : []),
    ...(options.fullTunnel ? ['--full-tunnel'] : []),
    ...(options.exitNode === undefined ? [] : ['--exit-node', options.exitNode]),
    ...(options.pause === undefined ? [] : ['--pause', String(options.pause)]),
    ...(options.acceptRisk === undefined ? [] : ['--accept-risk', options.acceptRisk]),
  ];
}

function interfaceName(text: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,14}$/.test(text)) return text;
  throw new InvalidArgumentError('Give 1 to 15 of a-z 0-9 . _ -, such as wr0.');
}
