import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { type Policy, policySchema } from './policy.ts';

/** The reviewed policy that the build put beside the bundle. */
export const deployedPolicy = (): Policy =>
  z.parse(policySchema, JSON.parse(readFileSync(new URL('./response-policy.json', import.meta.url), 'utf8')));
