import type { Grant } from '@aws-sdk/client-s3';

/**
 * The groups of grantees that are the public: everybody, and everybody with any AWS account.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups
 */
const GROUPS = 'http://acs.amazonaws.com/groups/global/';

/** The name of a grant to the public; its first word tells it from other parts of a bucket's state. */
export const GRANT = /^grant (AllUsers|AuthenticatedUsers) (FULL_CONTROL|READ|READ_ACP|WRITE|WRITE_ACP)$/;

/** The name of a grant, when it is one to the public. */
function nameOf({ Grantee, Permission }: Grant): string | undefined {
  const name = `grant ${Grantee?.URI?.startsWith(GROUPS) ? Grantee.URI.slice(GROUPS.length) : ''} ${Permission}`;
  return GRANT.test(name) ? name : undefined;
}

/** The names of an ACL's grants to the public. */
export const publicGrants = (grants: readonly Grant[]): string[] =>
  [...new Set(grants.map(nameOf).filter((name) => name !== undefined))].sort();

/** The grants of an ACL, with exactly these to the public. */
export const withPublicGrants = (grants: readonly Grant[], names: readonly string[]): Grant[] => [
  ...grants.filter((grant) => nameOf(grant) === undefined),
  ...names.map((name) => {
    const [, group = '', permission = ''] = GRANT.exec(name) ?? [];
    return { Grantee: { Type: 'Group', URI: `${GROUPS}${group}` }, Permission: permission } as Grant;
  }),
];
