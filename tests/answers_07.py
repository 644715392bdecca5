"""Chapter 7's exercises: answers that the checks must accept, and others to refuse."""

ANSWERS = {
    1: {
        "right": ["batch_size = 9 * 0.050 / 2e-6", "batch_size = np.int64(225_000)"],
        "wrong": {
            "batch_size = 25_000": "too small",
            "batch_size = 250_000": "a smaller batch would do",
        },
    },
    2: {
        "right": [
            """
            def equal_steps(files, shards, batch_size):
                sizes = []
                for file in files:
                    footer = pq.read_metadata(file)
                    sizes += [footer.row_group(g).num_rows
                              for g in range(footer.num_row_groups)]
                return min(sum(sizes[k::shards]) // batch_size for k in range(shards))
            """,
            """
            def equal_steps(files, shards, batch_size):
                rows, number = np.zeros(shards, int), 0
                for file in map(pq.ParquetFile, sorted(files)):
                    for group in range(file.num_row_groups):
                        rows[number % shards] += file.metadata.row_group(group).num_rows
                        number += 1
                return np.min(rows // batch_size)
            """,
        ],
        "wrong": {
            # all rows divided by the number of shards
            """
            def equal_steps(files, shards, batch_size):
                rows = sum(pq.read_metadata(file).num_rows for file in files)
                return rows // shards // batch_size
            """: "the smallest shard has",
            # whole files dealt to the shards
            """
            def equal_steps(files, shards, batch_size):
                rows = [0] * shards
                for number, file in enumerate(files):
                    rows[number % shards] += pq.read_metadata(file).num_rows
                return min(rows) // batch_size
            """: "the smallest shard has",
            # the groups counted anew in each file
            """
            def equal_steps(files, shards, batch_size):
                rows = [0] * shards
                for file in files:
                    footer = pq.read_metadata(file)
                    for group in range(footer.num_row_groups):
                        rows[group % shards] += footer.row_group(group).num_rows
                return min(rows) // batch_size
            """: "the smallest shard has",
            # rounded, so that the last batch need not be full
            """
            def equal_steps(files, shards, batch_size):
                rows, number = [0] * shards, 0
                for footer in map(pq.read_metadata, files):
                    for group in range(footer.num_row_groups):
                        rows[number % shards] += footer.row_group(group).num_rows
                        number += 1
                return round(min(rows) / batch_size)
            """: "the smallest shard has",
            # the rows are read
            """
            def equal_steps(files, shards, batch_size):
                rows, number = [0] * shards, 0
                for file in map(pq.ParquetFile, files):
                    for group in range(file.num_row_groups):
                        rows[number % shards] += len(file.read_row_group(group))
                        number += 1
                return min(rows) // batch_size
            """: "only the footers of these files can be read",
        },
    },
    3: {
        "right": [
            """
            def ready(bookings):
                return bookings.selectExpr(
                    "float(price) price", "float(paid) paid", "ifnull(seats, -1) seats",
                    "unix_date(day) day")
            """,
            """
            def ready(bookings):
                filled = bookings.na.fill(-1, ["seats"])
                return filled.withColumns({
                    "price": F.col("price").cast("float"),
                    "paid": F.when(F.col("paid"), 1).otherwise(0).cast("float"),
                    "day": F.unix_date("day")})
            """,
        ],
        "wrong": {
            """
            def ready(bookings):
                return bookings
            """: "a tensor refuses",
            """
            def ready(bookings):
                return bookings.withColumns({"price": F.col("price").cast("float")})
            """: "a tensor takes it, but as torch.bool",
            """
            def ready(bookings):
                return bookings.selectExpr(
                    "float(price) price", "float(paid) paid", "seats",
                    "unix_date(day) day")
            """: "a tensor takes it, but as torch.float64",
            """
            def ready(bookings):
                return bookings.selectExpr(
                    "float(price) price", "float(paid) paid", "ifnull(seats, 0) seats",
                    "unix_date(day) day")
            """: "seats: wrong values",
        },
    },
    4: {
        "right": [
            """
            def padded(column, width):
                column = column.combine_chunks()
                lengths = column.value_lengths().to_numpy(zero_copy_only=False)
                starts = np.cumsum(lengths) - lengths
                flat = column.flatten().to_numpy()
                row = np.repeat(np.arange(len(column)), lengths)
                place = np.arange(len(flat)) - np.repeat(starts, lengths)
                rows = np.zeros((len(column), width), "float32")
                rows[row, place] = flat
                return rows
            """,
            """
            def padded(column, width):
                lengths = torch.tensor(pc.list_value_length(column).to_numpy())
                flat = torch.tensor(pc.list_flatten(column).to_numpy())
                rows = torch.zeros(len(column), width)
                rows[torch.arange(width) < lengths[:, None]] = flat
                return rows
            """,
            # one column of the matrix after the other
            """
            def padded(column, width):
                lengths = pc.list_value_length(column).to_numpy()
                flat = pc.list_flatten(column).to_numpy()
                starts = np.cumsum(lengths) - lengths
                rows = np.zeros((len(column), width), np.float32)
                for place in range(width):
                    long = np.flatnonzero(lengths > place)
                    rows[long, place] = flat[starts[long] + place]
                return rows
            """,
        ],
        "wrong": {
            """
            def padded(column, width):
                rows = np.zeros((len(column), width), np.float32)
                for row, values in enumerate(column.to_pylist()):
                    rows[row, :len(values)] = values
                return rows
            """: "less than ten times as fast",
            # the values are found at once, but copied row by row
            """
            def padded(column, width):
                lengths = pc.list_value_length(column).to_numpy()
                flat, stops = pc.list_flatten(column).to_numpy(), np.cumsum(lengths)
                rows = np.zeros((len(column), width), np.float32)
                pairs = zip(stops.tolist(), lengths.tolist())
                for row, (stop, length) in enumerate(pairs):
                    rows[row, :length] = flat[stop - length:stop]
                return rows
            """: "less than ten times as fast",
            # as NumPy makes them by default
            """
            def padded(column, width):
                lengths = pc.list_value_length(column).to_numpy()
                rows = np.zeros((len(column), width))
                filled = np.arange(width) < lengths[:, np.newaxis]
                rows[filled] = pc.list_flatten(column).to_numpy()
                return rows
            """: "wants float32",
            # as wide as the longest list
            """
            def padded(column, width):
                lengths = pc.list_value_length(column).to_numpy()
                rows = np.zeros((len(column), lengths.max()), np.float32)
                filled = np.arange(lengths.max()) < lengths[:, np.newaxis]
                rows[filled] = pc.list_flatten(column).to_numpy()
                return rows
            """: "wrong shape",
            """
            def padded(column, width):
                column = column.chunk(0)
                filled = np.arange(width) < column.value_lengths().to_numpy()[:, None]
                rows = np.zeros((len(column), width), np.float32)
                rows[filled] = column.flatten().to_numpy()
                return rows
            """: "wrong shape",
            # filled from the right
            """
            def padded(column, width):
                lengths = pc.list_value_length(column).to_numpy()
                rows = np.zeros((len(column), width), np.float32)
                filled = np.arange(width) >= width - lengths[:, np.newaxis]
                rows[filled] = pc.list_flatten(column).to_numpy()
                return rows
            """: "begins at the left",
        },
    },
    5: {
        "right": [
            """
            def rows_of_step(order, step, batch, rank, ranks):
                rows = order[step * batch:(step + 1) * batch]
                return np.array_split(rows, ranks)[rank].tolist()
            """,
            """
            def rows_of_step(order, step, batch, rank, ranks):
                stop = min((step + 1) * batch, len(order))
                return [order[i] for i in range(step * batch + rank, stop, ranks)]
            """,
        ],
        "wrong": {
            # each rank has a part of the epoch for itself
            """
            def rows_of_step(order, step, batch, rank, ranks):
                own, share = np.array_split(order, ranks)[rank], batch // ranks
                return own[step * share:(step + 1) * share]
            """: "rows that were used before",
            # not every batch can be divided by the number of ranks
            """
            def rows_of_step(order, step, batch, rank, ranks):
                own, share = order[rank::ranks], batch // ranks
                return own[step * share:(step + 1) * share]
            """: "96 rows, 96 different",
            # each rank takes the whole batch
            """
            def rows_of_step(order, step, batch, rank, ranks):
                return order[step * batch:(step + 1) * batch]
            """: "400 rows, 100 different",
            # the last rank takes what is left
            """
            def rows_of_step(order, step, batch, rank, ranks):
                rows = order[step * batch:(step + 1) * batch]
                share = len(rows) // ranks
                stop = len(rows) if rank == ranks - 1 else (rank + 1) * share
                return rows[rank * share:stop]
            """: "shares of",
            # places in the order, not what is there
            """
            def rows_of_step(order, step, batch, rank, ranks):
                places = range(len(order))[step * batch:(step + 1) * batch]
                return list(places[rank::ranks])
            """: "numbers that are not in `order`",
        },
    },
    6: {
        "right": [
            """
            def sum_over_tasks(context, number):
                return float(np.sum([float(t) for t in context.allGather(str(number))]))
            """,
            """
            def sum_over_tasks(context, number):
                total = 0.0
                for text in context.allGather(repr(number)):
                    total += float(text)
                return total
            """,
        ],
        "wrong": {
            """
            def sum_over_tasks(context, number):
                return number
            """: "both tasks must get the same number",
            """
            def sum_over_tasks(context, number):
                return sum(int(float(t)) for t in context.allGather(str(number)))
            """: "is not the sum",
            """
            def sum_over_tasks(context, number):
                return "+".join(context.allGather(str(number)))
            """: "is not the sum",
        },
    },
    7: {
        "right": [
            "ring, middle = 175_000_000, 1_400_000_000",
            "ring, middle = np.float64(1.75e8), 7 * 2 * 100e6",
        ],
        "wrong": {
            # one half of the ring only
            "ring, middle = 87_500_000, 1_400_000_000": "ring: 2 (n - 1) rounds",
            # numbers in place of bytes
            "ring, middle = 43_750_000, 350_000_000": "ring: 2 (n - 1) rounds",
            # in, but not out
            "ring, middle = 175_000_000, 700_000_000": "seven vectors in, seven out",
        },
    },
    8: {
        "right": [
            """
            def train(model, batches):
                optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
                for shares in batches:
                    optimiser.zero_grad()
                    sums = [cross_entropy(model(x), y, reduction="sum")
                            for x, y in shares]
                    (sum(sums) / sum(len(y) for _, y in shares)).backward()
                    optimiser.step()
            """,
            # as DistributedDataParallel does: a mean over ranks of scaled gradients
            """
            def train(model, batches):
                for shares in batches:
                    rows, gradients = sum(len(y) for _, y in shares), []
                    for x, y in shares:
                        loss = cross_entropy(model(x), y) * len(shares) * len(y) / rows
                        gradients.append(
                            torch.autograd.grad(loss, list(model.parameters())))
                    for weights, parts in zip(model.parameters(), zip(*gradients)):
                        weights.data -= 0.5 * torch.stack(parts).mean(0)
            """,
        ],
        "wrong": {
            # a mean of means
            """
            def train(model, batches):
                optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
                for shares in batches:
                    optimiser.zero_grad()
                    for x, y in shares:
                        (cross_entropy(model(x), y) / len(shares)).backward()
                    optimiser.step()
            """: "right with equal shares, wrong with unequal ones",
            # a sum of means
            """
            def train(model, batches):
                optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
                for shares in batches:
                    optimiser.zero_grad()
                    for x, y in shares:
                        cross_entropy(model(x), y).backward()
                    optimiser.step()
            """: "wrong even with equal shares",
            # gradients are never set to zero
            """
            def train(model, batches):
                optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
                for shares in batches:
                    for x, y in shares:
                        (cross_entropy(model(x), y) / len(shares)).backward()
                    optimiser.step()
            """: "wrong even with equal shares",
            # one rank sees all rows
            """
            def train(model, batches):
                optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
                for shares in batches:
                    inputs = torch.cat([x for x, _ in shares])
                    labels = torch.cat([y for _, y in shares])
                    optimiser.zero_grad()
                    cross_entropy(model(inputs), labels).backward()
                    optimiser.step()
            """: "call the model once for each share",
        },
    },
}
