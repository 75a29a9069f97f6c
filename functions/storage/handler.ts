import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { createWorker } from '../../engine/pipeline.ts';
import * as remediations from './remediations.ts';

export const handler = createWorker('storage', Object.values(remediations), deployedPolicy());
