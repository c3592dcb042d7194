/** Where a request stands in a trace that its client began. Source: w3.org/TR/trace-context */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits: the span of the client. */
  parentId: string;
  /** The client records its own; where it does not, ours would hang in the air. */
  isSampled: boolean;
  state: string | undefined;
}

const parent = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const longestState = 512;

/** The headers of a trace; undefined where there is none that can be read. */
export function traceContextOf(
  traceparent: string | null,
  tracestate: string | null,
): TraceContext | undefined {
  if (traceparent === null || traceparent.length > 256) return undefined;
  const found = parent.exec(traceparent.trim());
  if (found === null) return undefined;
  const [, version = "", traceId = "", parentId = "", flags = "", rest] = found;
  // A version of later days may say more; this one says no more than its four parts.
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  const isKept = tracestate !== null && tracestate.length <= longestState;
  return {
    traceId,
    parentId,
    isSampled: (Number.parseInt(flags, 16) & 1) === 1,
    state: isKept && /^[\x20-\x7e]+$/.test(tracestate) ? tracestate : undefined,
  };
}
