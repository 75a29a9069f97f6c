import type { Action } from '../../engine/remediation.ts';
import privatizeEbsSnapshot from './privatize-ebs-snapshot.ts';
import privatizeRdsSnapshot from './privatize-rds-snapshot.ts';

/** The remediations of this worker, in alphabetical order. */
export const remediations: readonly Action[] = [privatizeEbsSnapshot, privatizeRdsSnapshot];
