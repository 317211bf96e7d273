import { hash, verify } from '@node-rs/argon2';

/** argon2id with the parameters of contract §4; a PHC string. The library's default algorithm is argon2id. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, { memoryCost: 65_536, timeCost: 3, parallelism: 2, outputLen: 32 });
}

/** False for a wrong password; a broken stored hash is false too. */
export async function verifyPassword(phc: string, password: string): Promise<boolean> {
  try {
    return await verify(phc, password);
  } catch {
    return false;
  }
}
