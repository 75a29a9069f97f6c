import * as z from 'zod/mini';
import { createDoor, route, words } from '../../engine/door.ts';
import { environment } from '../../engine/environment.ts';
import { shape } from '../../engine/findings/reader.ts';
import { deployedOffice } from '../../engine/office.ts';
import { takeBack } from '../../engine/take-back.ts';
import { LONGEST_HOLD_MS } from '../../engine/undo.ts';

const office = deployedOffice();

const wanted = shape(() =>
  z.strictObject({
    reason: z.optional(words()),
    hold: z.optional(z.int().check(z.gte(0, 'is below 0'), z.lte(LONGEST_HOLD_MS / 1_000, 'is longer than 52 weeks'))),
  }),
);

/** Where people have a response taken back. */
export const handler = createDoor('undo', environment('ACCOUNT_ID'), {
  'POST /responses/{id}/undo': route(wanted, ({ by, path: { id }, body }) => takeBack({ by, id, ...body }, office)),
});
