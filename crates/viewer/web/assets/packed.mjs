// A trace as the viewer packs it: columns of numbers that need no reading (`API.md`).

/** Span ids, which are texts only where they are wanted. */
class Ids {
  constructor(numbers) {
    this.numbers = numbers;
    this.length = numbers.length;
  }

  at(row) {
    return this.numbers[row].toString(16).padStart(16, "0");
  }

  indexOf(id) {
    return /^[0-9a-f]{16}$/i.test(id) ? this.numbers.indexOf(BigInt(`0x${id}`)) : -1;
  }
}

export async function readPacked(response) {
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const { pieces, ...trace } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const take = (Kind, count) => {
    const column = new Kind(buffer, at, count);
    at += column.byteLength;
    return column;
  };
  const columns = { span_id: new Ids(take(BigUint64Array, trace.spans)) };
  const all = (Kind, names) => {
    for (const name of names) columns[name] = take(Kind, trace.spans);
  };
  all(Float64Array, ["offset_nanos", "duration_nanos", "self_nanos", "critical_nanos"]);
  const critical = { begins: take(Float64Array, pieces), ends: take(Float64Array, pieces) };
  all(Int32Array, ["parent", "end", "depth", "service", "name", "log_records"]);
  critical.rows = take(Int32Array, pieces);
  all(Uint8Array, ["kind", "status", "mark"]);
  return { ...trace, columns, critical };
}
