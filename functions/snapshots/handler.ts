import { createWorker } from '../../engine/pipeline.ts';
import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { remediations } from './remediations.ts';

export const handler = createWorker('snapshots', remediations, deployedPolicy());
