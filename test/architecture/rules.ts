/**
 * The rules of the package star as data, each with its reason. Not here: how they are checked (`check.ts`) and what
 * breaks them on purpose (`planted.ts`). If the real need differs, change a rule here, in the open, never around it.
 */

/** Each rule with the reason that a violation prints. */
export const RULES = {
  star: 'pure packages form a star around base and wire, so that each is understood, tested and replaced alone; peer joins them, hosts touch the world, apps choose one host',
  'unknown-package': 'every package has its place in the star, or nobody knows what it may import',
  'one-host': 'an app runs in one place, and two hosts in one process would both own its sockets and files',
  declared:
    'a package says in its package.json what it needs, or it works only where something else happens to bring it',
  'deep-import': 'index.ts is the whole public surface of a package; all else may change without notice',
  exports: 'with "." as its only export, deep imports of a package fail at run time too',
  outside: 'a relative path that leaves its package is an import that no package.json and no rule sees',
  'third-party':
    'pure packages rest on a short list of small, audited or trivially checkable libraries that run everywhere',
  'built-in': 'pure packages, peer, browser and web run in a page, where Node has no modules',
  clock: 'time is an argument (`now`), so that the simulator can run it',
  chance: 'chance is a constructor argument (`Random`), so that a run can be repeated from its seed',
  timer: 'a machine says when it wants to wake (`wakeAt`); only its driver has timers',
  promise: 'state machines run to completion: nothing happens between two of their lines',
  'host-global': 'the outside world belongs to hosts: input comes as bytes, and output is asked for',
  erasable: 'Node runs the sources as they are: types must vanish by erasing them',
  'peer-size': 'peer.ts wires machines together and holds no policy; beyond 300 lines it does',
} as const;

/** The name of one rule. */
export type Rule = keyof typeof RULES;

/** Pure packages, and which packages each may import. */
export const PURE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: ['base'],
  noise: ['base', 'wire'],
  trust: ['base', 'wire'],
  session: ['base', 'wire', 'noise', 'trust'],
  link: ['base', 'wire', 'session'],
  overlay: ['base', 'wire'],
  dht: ['base', 'wire', 'trust'],
  group: ['base', 'wire', 'trust'],
  vpn: ['base', 'wire'],
  comms: ['base', 'wire', 'trust'],
};

/** Hosts: each implements the interfaces of `peer` in one kind of world. */
export const HOSTS: readonly string[] = ['browser', 'node', 'sim'];

/** What single apps may import beside peer, one host and the pure packages. */
export const APP_EXTRAS: Readonly<Record<string, readonly string[]>> = {
  // The site opens the bootstrap WebSocket on its own port, so that a group needs one process.
  site: ['signaling'],
};

/** Packages that run in a page, beside the pure ones. */
export const IN_PAGE: readonly string[] = ['peer', 'browser', 'web'];

/** Third-party packages that pure packages may import; `@noble/` stands for all of noble. */
export const THIRD_PARTY_IN_PURE: readonly string[] = ['@noble/', 'cborg', 'dns-packet', 'ipaddr.js'];

/** `packages/peer/src/peer.ts` has fewer lines than this. */
export const PEER_LINES = 300;

/** Globals by the rule that they break in a pure package. */
export const FORBIDDEN_GLOBALS: Readonly<Record<string, Rule>> = {
  ...named('clock', 'Date performance Temporal'),
  ...named('chance', 'crypto'),
  ...named(
    'timer',
    'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask requestAnimationFrame requestIdleCallback',
  ),
  ...named('promise', 'Promise PromiseLike Awaited AsyncIterable AsyncIterator AsyncIterableIterator AsyncGenerator'),
  ...named('host-global', 'globalThis window self process Buffer console fetch document navigator'),
};

/** Globals that a pure package may use as values: those of the language that neither wait, nor measure, nor reach out. */
export const ALLOWED_GLOBALS: ReadonlySet<string> = new Set([
  ...words('undefined NaN Infinity Object Array String Number Boolean BigInt Symbol Math JSON RegExp Map Set WeakMap'),
  ...words('WeakSet Iterator Error RangeError TypeError ArrayBuffer DataView Uint8Array Uint8ClampedArray Int8Array'),
  ...words('Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array BigInt64Array BigUint64Array'),
]);

function named(rule: Rule, names: string): Record<string, Rule> {
  return Object.fromEntries(words(names).map(name => [name, rule]));
}

function words(text: string): string[] {
  return text.split(' ');
}
