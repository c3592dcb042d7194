/** A value of a list, and what it is called. */
export type Option = [value: string, name: string];

/** A filter that takes one of a list, or any. */
export function OneOf(props: { name: string; title: string; now: string; of: readonly Option[] }) {
  const { name, title, now, of } = props;
  // One that came by a link may not be among them.
  const options = now === "" || of.some(([value]) => value === now) ? of : [...of, [now, now]];
  return (
    <label>
      {title}
      <br />
      <select name={name}>
        <option value="">any</option>
        {options.map(([value, words]) => (
          <option value={value} selected={value === now}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
