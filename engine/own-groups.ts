/** No rules at all: nothing goes in or out. */
export const QUARANTINE = 'firebreak-quarantine';
/**
 * All traffic, both ways, IPv4 and IPv6. A connection that began under narrower rules is tracked and outlives them, by up to
 * five days; under these it is no longer tracked, and ends when they go.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html#untracked-connections
 */
export const FLUSH = 'firebreak-flush';
/** The security groups that Firebreak makes, to isolate instances with: two for a VPC. */
export type OwnGroup = typeof QUARANTINE | typeof FLUSH;

/** The tag that says which of the two a group is, and the condition under which our sessions may shape or delete one. */
export const ROLE_TAG = 'firebreak:role';
export const ROLES: Readonly<Record<OwnGroup, string>> = { [QUARANTINE]: 'quarantine', [FLUSH]: 'flush' };

/**
 * Which of our groups one is by name and tag: under its plain name, or that with a random ending where the plain one was taken.
 * Whoever may make groups can make one that passes: it is ours only when its owner and each of its rules are right too.
 */
export const calledOwnGroup = (group: {
  readonly GroupName?: string | undefined;
  readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
}): OwnGroup | undefined =>
  ([QUARANTINE, FLUSH] as const).find(
    (name) =>
      (group.GroupName === name || group.GroupName?.startsWith(`${name}-`) === true) &&
      group.Tags?.some(({ Key, Value }) => Key === ROLE_TAG && Value === ROLES[name]) === true,
  );

/** The worker that makes them. */
export const OWN_GROUPS_WORKER = 'instances';
