import { budget } from './budget.ts';
import { caution } from './caution.ts';
import { coolDown } from './cool-down.ts';
import { exception } from './exception.ts';
import { freeze } from './freeze.ts';
import type { Guard } from './guard.ts';
import { hold } from './hold.ts';
import { killSwitch } from './kill-switch.ts';
import { mode } from './mode.ts';
import { protectedThings } from './protected.ts';
import { sample } from './sample.ts';
import { selfCaused } from './self-caused.ts';
import { waiting } from './waiting.ts';

/** All guards, in the order in which they are asked. */
export const GUARDS: readonly Guard[] = [
  sample,
  killSwitch,
  selfCaused,
  exception,
  hold,
  freeze,
  protectedThings,
  waiting,
  mode,
  caution,
  coolDown,
  budget,
];
