import * as z from 'zod/mini';

const ACCOUNT = z.string().check(z.regex(/^\d{12}$/));

/** What AWS writes for everybody, in place of an account id. */
export const EVERYBODY = 'all';

/** Who a snapshot is shared with, a part for each: an account id, or `all` for everybody. */
export const sharing = z.record(z.string().check(z.regex(/^(all|\d{12})$/)), z.literal(true));
type Sharing = z.infer<typeof sharing>;

export const sharingParameters = z.strictObject({
  /** Accounts that a snapshot may stay shared with. */
  allowedAccounts: z._default(z.array(ACCOUNT), []),
});

/** Takes out `all` and every account that is not on the allow-list. */
export const keepAllowed = (state: Sharing, { allowedAccounts }: z.infer<typeof sharingParameters>): Sharing =>
  Object.fromEntries(Object.entries(state).filter(([who]) => allowedAccounts.includes(who)));

/** Those whom `state` is shared with and `notIn` is not, in a fixed order. */
export const grantees = (state: Sharing, { notIn }: { notIn: Sharing }): string[] =>
  Object.keys(state)
    .filter((who) => !Object.hasOwn(notIn, who))
    .sort();
