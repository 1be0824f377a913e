/**
 * What the session layer costs on one core: handshakes with all checks, and
 * sealing and opening beside the same AEAD called directly. With what a Node
 * host computes with, with what the simulator does, and with noble in a tab.
 */
import { toHex } from '@warren/base';
import { nodeCrypto } from '@warren/node';
import {
  cheapCrypto,
  EPOCH_UNIX_MS,
  realCrypto,
  SeededRandom,
  type SimCrypto,
  simCredentials,
  simStranger,
} from '@warren/sim';
import { encodeStatement } from '@warren/trust';
import { chromiumPath } from '../browser/chromium.ts';
import { worstAmplification } from '../laws/amplification.ts';
import { type Bench, type BenchOptions, type BenchResult, type Figures, rounded } from './bench.ts';
import { type Crypto, type EndText, handshakeRates, sealRates } from './session-rates.ts';
import { measureInTab } from './session-tab.ts';

/** For each kind of handshake. */
const HANDSHAKES_MS = 3_000;
const DATAGRAM_BYTES = 1_200;
const DATAGRAMS = 400;
/** A tab is some thirty times slower. */
const TAB_DATAGRAMS = 100;

export const sessions: Bench = {
  summary: 'handshakes a second, sealing and opening beside the plain AEAD; in a tab too where there is Chromium',
  needs: [],
  async run({ seed, step }): Promise<BenchResult> {
    const random = new SeededRandom(seed, 'bench');
    const crypto = await nodeCrypto();
    step(`sealing and opening with ${crypto.suite.aead.name}`);
    const seals = sealRates(crypto, random, DATAGRAM_BYTES, DATAGRAMS);
    const node = await inTurn(seed, step);
    const tab = chromiumPath === undefined ? noTab(step) : await inTab(seed, step);
    return {
      ok: true,
      figures: {
        ...node,
        sealMbps1200: rounded(seals.sealMbps),
        openMbps1200: rounded(seals.openMbps),
        rawAeadMbps1200: rounded(seals.rawSealMbps),
        rawAeadOpenMbps1200: rounded(seals.rawOpenMbps),
        sealToRaw: rounded(seals.sealToRaw),
        openToRaw: rounded(seals.openToRaw),
        worstAmplification: rounded(worstAmplification()),
        ...tab,
      },
    };
  },
};

/** Handshakes with each kind of cryptography that runs in Node. */
async function inTurn(seed: number, step: BenchOptions['step']): Promise<Figures> {
  const node = handshakes('a Node host', await nodeCrypto(), realCrypto, seed, step);
  const real = handshakes(
    'the simulator',
    { suite: realCrypto.suite, verifier: realCrypto.verifier() },
    realCrypto,
    seed,
    step,
  );
  const cheap = handshakes(
    'large simulations',
    { suite: cheapCrypto.suite, verifier: cheapCrypto.verifier() },
    cheapCrypto,
    seed,
    step,
  );
  return {
    handshakesPerSecond: rounded(node.coldPerSecond),
    handshakesPerSecondCached: rounded(node.warmPerSecond),
    simHandshakesPerSecond: rounded(real.coldPerSecond),
    cheapHandshakesPerSecond: rounded(cheap.coldPerSecond),
  };
}

function handshakes(whose: string, crypto: Crypto, certified: SimCrypto, seed: number, step: BenchOptions['step']) {
  step(`handshakes with the cryptography of ${whose}`);
  return handshakeRates(crypto, endTexts(seed, certified), EPOCH_UNIX_MS, new SeededRandom(seed, whose), HANDSHAKES_MS);
}

async function inTab(seed: number, step: BenchOptions['step']): Promise<Figures> {
  step('the same in a tab, with noble');
  const { handshakes, seals } = await measureInTab({
    ends: endTexts(seed, realCrypto),
    startUnixMs: EPOCH_UNIX_MS,
    handshakesMs: HANDSHAKES_MS,
    bytes: DATAGRAM_BYTES,
    count: TAB_DATAGRAMS,
  });
  return {
    browserHandshakesPerSecond: rounded(handshakes.coldPerSecond),
    browserHandshakesPerSecondCached: rounded(handshakes.warmPerSecond),
    browserSealMbps1200: rounded(seals.sealMbps),
    browserOpenMbps1200: rounded(seals.openMbps),
    browserRawAeadMbps1200: rounded(seals.rawSealMbps),
  };
}

function noTab(step: BenchOptions['step']): Figures {
  step('no Chromium: no figures of tabs');
  return {};
}

/** Two strangers. */
function endTexts(seed: number, crypto: SimCrypto): [EndText, EndText] {
  const [a, b] = ['a', 'b'].map(name => {
    const random = new SeededRandom(seed, name);
    const credentials = simCredentials(simStranger(random, EPOCH_UNIX_MS, crypto), random, EPOCH_UNIX_MS);
    const { leaf, statement, keys } = credentials;
    return {
      leaf: toHex(leaf.der),
      statement: toHex(encodeStatement(statement)),
      noiseSecret: toHex(keys.noise.secret),
    };
  });
  return [a as EndText, b as EndText];
}
