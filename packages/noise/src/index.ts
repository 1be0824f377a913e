export { type AeadKey, type AeadSuite, nobleAead, TAG_BYTES } from './aead.ts';
export { CipherState, noiseNonce } from './cipher-state.ts';
export { type HandshakeKeys, type HandshakeOptions, HandshakeState, MAX_MESSAGE_BYTES } from './handshake-state.ts';
export { hkdf, hkdfWithInfo } from './hkdf.ts';
export { type Pattern, patternNamed, type Token } from './patterns.ts';
export { REPLAY_WINDOW, ReplayWindow } from './replay-window.ts';
export { agreementKeys, hiddenKeyPair, KEY_BYTES, type KeyPair, type NoiseSuite, nobleSuite } from './suite.ts';
