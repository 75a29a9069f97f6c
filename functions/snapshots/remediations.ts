import type { Action } from '../../engine/remediation.ts';
import privatizeRdsSnapshot from './privatize-rds-snapshot.ts';

/** The remediations of this worker, in alphabetical order. */
export const remediations: readonly Action[] = [privatizeRdsSnapshot];
