/**
 * What ends a removal without harm: the resource is not ready for it and still left, or gone. Enough for what a run may
 * remove by its name, which IAM allows whether it is there or not.
 */
export async function unlessNotReady(errors: readonly string[], call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof Error && errors.includes(error.name))) throw error;
  });
}

/**
 * The same for what a run may remove by its tag: when somebody else removed it meanwhile, it has no tag any more, and IAM may
 * deny the call before the service says that there is nothing.
 * @param isThere whether there still is something to remove
 */
export async function unlessGone(
  notReady: readonly string[],
  call: Promise<unknown>,
  isThere: () => Promise<boolean>,
): Promise<void> {
  await unlessNotReady(notReady, call).catch(async (error: unknown) => {
    if (await isThere()) throw error;
  });
}

/** What AWS answers, or undefined when it says by this error that there is no such thing. */
export const unlessThereIsNone = <T>(error: string, answer: Promise<T>): Promise<T | undefined> =>
  answer.catch((thrown: unknown) => {
    if (thrown instanceof Error && thrown.name === error) return undefined;
    throw thrown;
  });
