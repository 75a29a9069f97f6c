import * as z from 'zod/mini';

/** What AWS writes for everybody, in place of an account id. */
export const EVERYBODY = 'all';

const GRANTEE = z.string().check(z.regex(/^(all|\d{12})$/));
const ACCOUNT = z.string().check(z.regex(/^\d{12}$/));

/**
 * Who a snapshot is shared with: account ids, or `all` for everybody. One part, so that whoever shares the snapshot with
 * somebody else after a fix is asked before an undo shares it with more.
 */
export const sharing = z.strictObject({ sharedWith: z.array(GRANTEE) });
type Sharing = z.infer<typeof sharing>;

export const sharingParameters = z.strictObject({
  /** Accounts that a snapshot may stay shared with. */
  allowedAccounts: z._default(z.array(ACCOUNT), []),
});

/** The state from what AWS answers, in a fixed order. @throws when it is neither `all` nor an account id */
export const sharingOf = (grantees: readonly (string | undefined)[]): Sharing =>
  sharing.parse({ sharedWith: [...grantees].sort() });

/** Takes out `all` and every account that is not on the allow-list. */
export const keepAllowed = (
  { sharedWith }: Sharing,
  { allowedAccounts }: z.infer<typeof sharingParameters>,
): Sharing => ({ sharedWith: sharedWith.filter((who) => allowedAccounts.includes(who)) });

/** Those whom `state` is shared with and `notIn` is not. */
export const grantees = (state: Sharing, { notIn }: { notIn: Sharing }): string[] =>
  state.sharedWith.filter((who) => !notIn.sharedWith.includes(who));
