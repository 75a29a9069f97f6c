import { createHash } from 'node:crypto';
import { canonical, type Json } from '../engine/state.ts';

/** SHA-256 of a value's canonical JSON, in hexadecimal. */
export const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(canonical(value as Json))
    .digest('hex');
