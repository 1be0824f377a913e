/**
 * Writes small vectors in the format of Wycheproof, schema of testvectors_v1:
 * published examples of the RFCs, and cases that verifiers dispute, computed
 * from the definitions. Nothing of ours has a part in it.
 *
 *   node apps/edge/bin/run.js test/vectors/wycheproof/make.ts
 */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';

type Json = Record<string, unknown>;
type Result = 'valid' | 'invalid' | 'acceptable';

/** Numbers its tests on, over all groups of a file. */
function file(name: string, algorithm: string, groups: readonly [group: Json, tests: readonly Json[]][]): void {
  let tcId = 0;
  const testGroups = groups.map(([group, tests]) => ({
    ...group,
    tests: tests.map(test => ({ tcId: ++tcId, ...test })),
  }));
  const source = 'made by make.ts of this folder; format: C2SP/wycheproof, testvectors_v1';
  const text = { algorithm, schema: 'see source', source, numberOfTests: tcId, testGroups };
  writeFileSync(new URL(`${name}.json`, import.meta.url), `${JSON.stringify(text, undefined, 2)}\n`);
}

/** Each field of `good` with its last digit changed, which must not pass. */
function spoilt(good: Json, ...fields: string[]): Json[] {
  return fields.map(field => {
    const text = good[field] as string;
    const changed = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
    return { ...good, comment: `${good.comment}, ${field} changed`, [field]: changed, result: 'invalid' };
  });
}

function agreement(comment: string, secret: string, remote: string, shared: string, result: Result): Json {
  return { comment, public: remote, private: secret, shared, result };
}

const RFC7748 = agreement(
  'RFC 7748 section 5.2',
  'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
  'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
  'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  'valid',
);
const LOW_ORDER = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
];
const COMPARED = { type: 'XdhComp', curve: 'curve25519' };
const wrapped = (head: string, key: unknown) => `${head}${key}`;
const der = {
  ...RFC7748,
  public: wrapped('302a300506032b656e032100', RFC7748.public),
  private: wrapped('302e020100300506032b656e04220420', RFC7748.private),
};
const base64url = (hex: unknown) => Buffer.from(hex as string, 'hex').toString('base64url');
const pem = (label: string, hex: string) =>
  `-----BEGIN ${label} KEY-----\n${Buffer.from(hex, 'hex').toString('base64')}\n-----END ${label} KEY-----\n`;
const jwk = {
  ...RFC7748,
  public: { kty: 'OKP', crv: 'X25519', x: base64url(RFC7748.public) },
  private: { kty: 'OKP', crv: 'X25519', d: base64url(RFC7748.private), x: '' },
};
file('x25519', 'XDH', [
  [
    COMPARED,
    [
      RFC7748,
      agreement(
        'RFC 7748 section 5.2, second: the top bit of the public key is ignored',
        '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
        'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
        '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
        'valid',
      ),
      ...LOW_ORDER.map(remote =>
        agreement('low order', RFC7748.private as string, remote, '00'.repeat(32), 'acceptable'),
      ),
      agreement('a key of 31 bytes', RFC7748.private as string, '09'.repeat(31), '', 'invalid'),
    ],
  ],
  [
    { ...COMPARED, type: 'XdhAsnComp' },
    [der, { ...der, comment: 'Ed25519 key', public: `302a300506032b6570032100${RFC7748.public}`, result: 'invalid' }],
  ],
  [
    { ...COMPARED, type: 'XdhPemComp' },
    [{ ...RFC7748, public: pem('PUBLIC', der.public), private: pem('PRIVATE', der.private) }],
  ],
  [
    { ...COMPARED, type: 'XdhJwkComp' },
    [jwk, { ...jwk, comment: 'another curve', public: { ...jwk.public, crv: 'Ed25519' }, result: 'invalid' }],
  ],
  [{ type: 'XdhComp', curve: 'curve448' }, [{ ...RFC7748, comment: 'not ours' }]],
]);

/** RFC 8032 section 7.1, test 2. */
const EDDSA = {
  comment: 'RFC 8032 section 7.1 test 2',
  msg: '72',
  sig: '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  result: 'valid',
};
const eddsa = (pk: string) => ({
  type: 'EddsaVerify',
  publicKey: { type: 'EDDSAPublicKey', curve: 'edwards25519', keySize: 255, pk },
});
const littleEndian = (value: bigint) =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse().toString('hex');
const ORDER_ED25519 = 2n ** 252n + 27742317777372353535851937790883648493n;
const s = BigInt(`0x${Buffer.from(EDDSA.sig.slice(64), 'hex').reverse().toString('hex')}`);
const forged = {
  comment: 'R neutral, s zero: fits any message under a key of small order',
  msg: '00',
  sig: `01${'00'.repeat(63)}`,
  result: 'invalid',
};
const PK = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
file('ed25519', 'EDDSA', [
  [
    eddsa(PK),
    [
      EDDSA,
      ...spoilt(EDDSA, 'msg', 'sig'),
      ...[1n, 2n, 15n].map(k => ({
        ...EDDSA,
        comment: `s + ${k} L`,
        sig: EDDSA.sig.slice(0, 64) + littleEndian(s + k * ORDER_ED25519),
        result: 'invalid',
      })),
      { ...EDDSA, comment: '63 bytes', sig: EDDSA.sig.slice(2), result: 'invalid' },
      { ...EDDSA, comment: '65 bytes', sig: `${EDDSA.sig}00`, result: 'invalid' },
      { ...EDDSA, comment: 'empty', sig: '', result: 'invalid' },
    ],
  ],
  ...[
    `01${'00'.repeat(31)}`,
    `01${'00'.repeat(30)}80`,
    `ec${'ff'.repeat(30)}7f`,
    '00'.repeat(32),
    `ee${'ff'.repeat(30)}7f`,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  ].map((pk): [Json, Json[]] => [eddsa(pk), [forged]]),
  [
    eddsa('5b94d525f09dbb3f8bec71da454b8a76c21f9edc1a6b2c8a2650090c0c6a2bd6'),
    [
      {
        comment: 'key with a part of order eight: only the equation with the cofactor holds',
        msg: '00',
        sig: '801f40eaaee1ef8723279a28b2cf4037b889dad222604678748b53ed0db0db9239762939f9c4a7855381e543c03c0887901f10d2a5f3b05661f2f8789be01809',
        result: 'invalid',
      },
      {
        comment: 'the same key: the part vanishes by chance, and the equation holds',
        msg: '02',
        sig: '801f40eaaee1ef8723279a28b2cf4037b889dad222604678748b53ed0db0db92ce0b4129abde408d98f183fc65974c4a969009d12b7173424d4ea3eea98d7f06',
        result: 'valid',
      },
    ],
  ],
  [
    eddsa('b862409fb5c4c4123df2abf7462b88f041ad36dd6864ce872fd5472be363c5b1'),
    [
      {
        comment: 'R of small order',
        msg: '00',
        sig: '010000000000000000000000000000000000000000000000000000000000000007260a32a316b33909e3de64690baef27c446cf9b609f6d8bc61cff0530b4d0d',
        result: 'invalid',
      },
    ],
  ],
  [{ type: 'EddsaVerify', key: { curve: 'edwards25519', pk: PK } }, [{ ...EDDSA, comment: 'older schema' }]],
  [{ type: 'EddsaVerify', publicKey: { curve: 'edwards448', pk: '' } }, [{ ...EDDSA, comment: 'not ours' }]],
]);

/** RFC 6979 section A.2.5, SHA-256, message "sample". */
const R = 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716';
const S = 'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8';
const ORDER_P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const UNCOMPRESSED =
  '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299';
const ecdsa = (type: string, more: Json = {}) => ({
  type,
  publicKey: { type: 'EcPublicKey', curve: 'secp256r1', keySize: 256, uncompressed: UNCOMPRESSED },
  sha: 'SHA-256',
  ...more,
});
const signed = (comment: string, sig: string, result: Result = 'invalid') => ({
  comment,
  msg: Buffer.from('sample').toString('hex'),
  sig,
  result,
});
const good = signed('RFC 6979 section A.2.5', `3046022100${R}022100${S}`, 'valid');
const LOW_S = (ORDER_P256 - BigInt(`0x${S}`)).toString(16).padStart(64, '0');
const N = ORDER_P256.toString(16);
file('ecdsa-p256', 'ECDSA', [
  [
    ecdsa('EcdsaVerify'),
    [
      good,
      ...spoilt(good, 'msg', 'sig'),
      signed('the mirrored s', `3045022100${R}0220${LOW_S}`, 'valid'),
      signed('a long length', `308146022100${R}022100${S}`),
      signed('an integer with a needless zero', `304702220000${R}022100${S}`),
      signed('a negative integer', `30440220${R}0220${S}`),
      signed('r and s of zero', '3006020100020100'),
      signed('r of the order', `3046022100${N}022100${S}`),
      signed('a byte behind', `3046022100${R}022100${S}00`),
      signed('nothing', ''),
      signed('raw', R + S),
    ],
  ],
  [
    ecdsa('EcdsaP1363Verify'),
    [
      signed('r then s', R + S, 'valid'),
      signed('mirrored', R + LOW_S, 'valid'),
      signed('zeros', '00'.repeat(64)),
      signed('one byte less', (R + S).slice(2)),
      signed('DER', `3046022100${R}022100${S}`),
      signed('s of the order', R + N),
    ],
  ],
  [ecdsa('EcdsaVerify', { sha: 'SHA-512' }), [{ ...good, comment: 'not ours' }]],
  [
    { type: 'EcdsaVerify', key: { curve: 'secp256k1', uncompressed: '' }, sha: 'SHA-256' },
    [{ ...good, comment: 'not ours' }],
  ],
]);

const aead = (keySize: number, ivSize = 96, tagSize = 128) => ({ type: 'AeadTest', ivSize, keySize, tagSize });
const SUNSCREEN = Buffer.from(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
).toString('hex');
const RFC8439 = {
  comment: 'RFC 8439 section 2.8.2',
  key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
  iv: '070000004041424344454647',
  aad: '50515253c0c1c2c3c4c5c6c7',
  msg: SUNSCREEN,
  ct: 'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116',
  tag: '1ae10b594f09e26a7e902ecbd0600691',
  result: 'valid',
};
file('chacha20-poly1305', 'CHACHA20-POLY1305', [
  [aead(256), [RFC8439, ...spoilt(RFC8439, 'key', 'iv', 'aad', 'ct', 'tag')]],
  [aead(256, 64), [{ ...RFC8439, comment: 'a nonce of 8 bytes', iv: '4041424344454647', result: 'invalid' }]],
]);
const DRAFT = {
  ...RFC8439,
  comment: 'draft-irtf-cfrg-xchacha-03 section A.3.1',
  iv: '404142434445464748494a4b4c4d4e4f5051525354555657',
  ct: 'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e',
  tag: 'c0875924c1c7987947deafd8780acf49',
};
file('xchacha20-poly1305', 'XCHACHA20-POLY1305', [
  [aead(256, 192), [DRAFT, ...spoilt(DRAFT, 'key', 'iv', 'aad', 'ct', 'tag')]],
  [aead(256, 96), [{ ...DRAFT, comment: 'a nonce of 12 bytes', iv: RFC8439.iv, result: 'invalid' }]],
]);
const GCM = {
  comment: 'McGrew and Viega, test case 16',
  key: 'feffe9928665731c6d6a8f9467308308'.repeat(2),
  iv: 'cafebabefacedbaddecaf888',
  aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
  msg: 'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  ct: '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662',
  tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  result: 'valid',
};
const GCM128 = {
  comment: 'McGrew and Viega, test case 2',
  key: '00'.repeat(16),
  iv: '00'.repeat(12),
  aad: '',
  msg: '00'.repeat(16),
  ct: '0388dace60b6a392f328c2b971b2fe78',
  tag: 'ab6e47d42cec13bdf53a67b21257bddf',
  result: 'valid',
};
file('aes-gcm', 'AES-GCM', [
  [aead(256), [GCM, ...spoilt(GCM, 'key', 'iv', 'aad', 'ct', 'tag')]],
  [aead(128), [GCM128, ...spoilt(GCM128, 'tag')]],
  [aead(192), [{ ...GCM128, comment: 'not ours' }]],
  [aead(256, 64), [{ ...GCM, comment: 'not ours' }]],
]);

const derived = (comment: string, ikm: string, salt: string, info: string, okm: string): Json => ({
  ...{ comment, ikm, salt, info, size: okm.length / 2, okm, result: 'valid' },
});
file('hkdf-sha256', 'HKDF-SHA-256', [
  [
    { type: 'HkdfTest', keySize: 176 },
    [
      derived(
        'RFC 5869 section A.1',
        '0b'.repeat(22),
        '000102030405060708090a0b0c',
        'f0f1f2f3f4f5f6f7f8f9',
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
      ),
      derived(
        'RFC 5869 section A.3',
        '0b'.repeat(22),
        '',
        '',
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
      ),
      { ...derived('more than 255 hashes', '0b'.repeat(22), '', '', ''), size: 8_161, result: 'invalid' },
    ],
  ],
  [{ type: 'HkdfTest', keySize: 0 }, []],
]);

const mac = (comment: string, key: string, msg: string, tagSize: number): Json => ({
  ...{ comment, key, msg, result: 'valid' },
  tag: createHmac('sha256', Buffer.from(key, 'hex'))
    .update(Buffer.from(msg, 'hex'))
    .digest('hex')
    .slice(0, tagSize / 4),
});
const RFC4231: Json = {
  comment: 'RFC 4231 section 4.3',
  key: Buffer.from('Jefe').toString('hex'),
  msg: Buffer.from('what do ya want for nothing?').toString('hex'),
  tag: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  result: 'valid',
};
const LONG_KEY = mac('a key of three blocks', 'aa'.repeat(192), '00', 256);
file('hmac-sha256', 'HMACSHA256', [
  [{ type: 'MacTest', keySize: 32, tagSize: 256 }, [RFC4231, ...spoilt(RFC4231, 'key', 'msg', 'tag')]],
  [{ type: 'MacTest', keySize: 1_536, tagSize: 256 }, [LONG_KEY, mac('an empty key', '', '', 256)]],
  [
    { type: 'MacTest', keySize: 32, tagSize: 128 },
    [
      { ...RFC4231, tag: (RFC4231.tag as string).slice(0, 32) },
      ...spoilt({ ...RFC4231, tag: (RFC4231.tag as string).slice(0, 32) }, 'tag'),
    ],
  ],
]);
