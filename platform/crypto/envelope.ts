import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { sha256 } from '../hash.ts';
import { deriveKey } from './keys.ts';

export interface Sealed {
  /** Id of the key that sealed it, for rotation. */
  readonly kid: string;
  /** 12-byte nonce, 16-byte tag, ciphertext. */
  readonly ciphertext: Buffer;
}

/** AES-256-GCM for secrets at rest (design §7). `context` binds a secret to its place, e.g. `node:<id>`. */
export interface Envelope {
  seal(plaintext: string, context: string): Sealed;
  /** @throws Error when no key fits or the data was changed. */
  open(sealed: Sealed, context: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param masterSecrets current first; the others only open what they sealed. */
export function createEnvelope(masterSecrets: readonly [string, ...string[]]): Envelope {
  const keys = masterSecrets.map((secret) => {
    const key = deriveKey(secret, 'envelope');
    return { kid: sha256(key).toString('hex').slice(0, 16), key };
  });
  const current = keys[0];
  if (current === undefined) throw new Error('an envelope needs a master secret');
  return {
    seal: (plaintext, context) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return { kid: current.kid, ciphertext: Buffer.concat([nonce, cipher.getAuthTag(), body]) };
    },
    open: ({ kid, ciphertext }, context) => {
      const found = keys.find((candidate) => candidate.kid === kid);
      if (found === undefined)
        throw new Error(`no master secret for key id ${kid}: add the old one to JWT_SECRET_PREVIOUS`);
      // A tag that was cut short would be easier to forge.
      if (ciphertext.length < NONCE_BYTES + TAG_BYTES) throw new Error('the sealed data is cut short');
      const nonce = ciphertext.subarray(0, NONCE_BYTES);
      const tag = ciphertext.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', found.key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(context))
        .setAuthTag(tag);
      return (
        decipher.update(ciphertext.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') +
        decipher.final('utf8')
      );
    },
  };
}
