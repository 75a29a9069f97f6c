import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SHIPPED_POLICY } from '../scripts/response-policy.ts';

const project = fileURLToPath(new URL('../', import.meta.url));

/**
 * Where the command keeps its records: `.firebreak` of the project, whatever the working directory, so that an undo finds
 * months later what a run wrote. FIREBREAK_HOME names another folder.
 */
export const home = (): string => process.env.FIREBREAK_HOME || join(project, '.firebreak');

export const responses = (): string => join(home(), 'responses');
export const holds = (): string => join(home(), 'holds');
/** Minutes of exercises at a table. */
export const tabletops = (): string => join(home(), 'tabletops');
export const claims = (): string => join(home(), 'claims');

/** The policy that is shipped and deployed. */
export const shippedPolicy = (): string => join(project, SHIPPED_POLICY);
