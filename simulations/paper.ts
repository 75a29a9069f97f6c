import * as z from 'zod/mini';
import { defineScenario, type Scenario } from './scenario.ts';
import type { Exercise } from './tabletop.ts';

/** What the ids of exercises at a table begin with: the folder that they lie in. */
export const TABLETOP = 'tabletop.';

/** An exercise at a table as the scenario that a run of it is told by: nothing is made, and so nothing has to be removed. */
export const paperScenario = ({ id, title, text, minutes, attack, csf }: Exercise): Scenario =>
  defineScenario({
    id: `${TABLETOP}${id}`,
    ...{ title, attack, csf },
    story: (text.split('\n## ')[0] ?? '').trim().replaceAll(/\s+/g, ' '),
    safety: 'paper',
    cost: 0,
    minutes: { tabletop: minutes },
    objectives: {},
    kinds: [],
    permissions: () => [],
    parameters: z.strictObject({}),
    findings: [],
    responses: [],
    warmUp: () => Promise.reject(new Error('at a table nothing is made')),
    inject: () => Promise.reject(new Error('at a table nothing is made wrong')),
    expect: () => Promise.reject(new Error('at a table there is nothing to read')),
  });
