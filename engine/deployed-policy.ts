import { readFileSync } from 'node:fs';
import type { Policy } from './policy-schema.ts';

/** The reviewed policy that the build checked and put beside the bundle. */
export const deployedPolicy = (): Policy =>
  JSON.parse(readFileSync(new URL('./response-policy.json', import.meta.url), 'utf8'));
