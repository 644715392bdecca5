"""Chapter 9's exercises: answers that the checks must accept, and others to refuse."""

ANSWERS = {
    1: {
        "right": [
            """
            def accuracy(model, x, y):
                with torch.inference_mode():
                    guesses = copy.deepcopy(model).eval()(x).argmax(1)
                return (guesses == y).double().mean()
            """,
            """
            @torch.no_grad()
            def accuracy(model, x, y):
                training = {name for name, m in model.named_modules() if m.training}
                model.eval()
                right = sum((model(xs).argmax(1) == ys).sum().item()
                            for xs, ys in zip(x.split(64), y.split(64)))
                for name, module in model.named_modules():
                    module.training = name in training
                return right / len(x)
            """,
        ],
        "wrong": {
            # eval() is missing
            """
            def accuracy(model, x, y):
                with torch.no_grad():
                    return (model(x).argmax(1) == y).float().mean().item()
            """: "which layers behave differently",
            # no_grad is missing
            """
            def accuracy(model, x, y):
                modes = [(m, m.training) for m in model.modules()]
                model.eval()
                right = (model(x).argmax(1) == y).float().mean().item()
                for module, training in modes:
                    module.training = training
                return right
            """: "autograd has recorded",
            # train() unfreezes the frozen layer
            """
            def accuracy(model, x, y):
                model.eval()
                with torch.inference_mode():
                    right = (model(x).argmax(1) == y).float().mean().item()
                model.train()
                return right
            """: "look at the frozen layer",
            # the one frozen layer of this model, by its number
            """
            def accuracy(model, x, y):
                model.eval()
                with torch.no_grad():
                    right = (model(x).argmax(1) == y).float().mean().item()
                model.train()
                model[1].eval()
                return right
            """: "look at the frozen layer",
            # one flag for all modules
            """
            def accuracy(model, x, y):
                training = model.training
                model.eval()
                with torch.no_grad():
                    right = (model(x).argmax(1) == y).float().mean().item()
                model.train(training)
                return right
            """: "look at the frozen layer",
            # autograd is switched off for good
            """
            def accuracy(model, x, y):
                modes = [(m, m.training) for m in model.modules()]
                model.eval()
                torch.set_grad_enabled(False)
                right = (model(x).argmax(1) == y).float().mean().item()
                for module, training in modes:
                    module.training = training
                return right
            """: "still switched off",
            # no parameter needs a gradient afterwards
            """
            def accuracy(model, x, y):
                modes = [(m, m.training) for m in model.modules()]
                model.eval().requires_grad_(False)
                right = (model(x).argmax(1) == y).float().mean().item()
                for module, training in modes:
                    module.training = training
                return right
            """: "requires_grad of some parameters",
            # the frozen layer's parameters need one
            """
            def accuracy(model, x, y):
                modes = [(m, m.training) for m in model.modules()]
                model.eval().requires_grad_(False)
                right = (model(x).argmax(1) == y).float().mean().item()
                model.requires_grad_(True)
                for module, training in modes:
                    module.training = training
                return right
            """: "requires_grad of some parameters",
            # guesses which layers were frozen
            """
            def accuracy(model, x, y):
                was = model.training
                model.eval()
                with torch.no_grad():
                    right = (model(x).argmax(1) == y).float().mean().item()
                model.train(was)
                for layer in model.modules():
                    if isinstance(layer, nn.BatchNorm1d) and (
                        not layer.weight.requires_grad):
                        layer.eval()
                return right
            """: "look at the frozen layer",
            # the top level only
            """
            def accuracy(model, x, y):
                modes = [child.training for child in model.children()]
                was = model.training
                model.eval()
                with torch.no_grad():
                    right = (model(x).argmax(1) == y).float().mean().item()
                model.training = was
                for child, mode in zip(model.children(), modes, strict=True):
                    child.train(mode)
                return right
            """: "in another mode afterwards",
        },
    },
    2: {
        "right": [
            """
            def crossover(n, alpha, beta):
                k = n.bit_length() - 1
                return np.float64(alpha / beta) * (n - 1 - k) / (k - 1 + 1 / n)
            """,
            """
            def crossover(n, alpha, beta):
                def ring_minus_tree(size):
                    tree = 2 * np.log2(n) * (alpha + beta * size)
                    return 2 * (n - 1) * (alpha + beta * size / n) - tree

                low, high = 0.0, 1e12
                for _ in range(200):
                    middle = (low + high) / 2
                    if ring_minus_tree(middle) > 0:
                        low = middle
                    else:
                        high = middle
                return high
            """,
        ],
        "wrong": {
            # the ring sends whole vectors
            """
            def crossover(n, alpha, beta):
                return alpha / beta
            """: "the ring wins",
            # does not depend on latency and bandwidth
            """
            def crossover(n, alpha, beta):
                k = math.log2(n)
                return 50_000 * (n - 1 - k) / (k - 1 + 1 / n)
            """: "the ring wins",
            # the natural logarithm
            """
            def crossover(n, alpha, beta):
                k = math.log(n)
                return alpha * (n - 1 - k) / (beta * (k - (n - 1) / n))
            """: "the ring wins",
            # half of it
            """
            def crossover(n, alpha, beta):
                k = math.log2(n)
                return alpha * (n - 1 - k) / (2 * beta * (k - (n - 1) / n))
            """: "the tree wins",
            # text instead of a number
            """
            def crossover(n, alpha, beta):
                return "40,000 bytes"
            """: "one number",
            # only one direction of the tree
            """
            def crossover(n, alpha, beta):
                k = math.log2(n) / 2
                return alpha * (n - 1 - k) / (beta * abs(k - (n - 1) / n))
            """: "the ring wins",
        },
    },
    3: {
        "right": [
            """
            def shift(link, rank, size, tensor):
                received = torch.empty_like(tensor)
                if rank % 2:
                    link.recv(received, (rank - 1) % size)
                link.send(tensor, (rank + 1) % size)
                if rank % 2 == 0:
                    link.recv(received, (rank - 1) % size)
                return received
            """,
            # the last receives first, and sends a copy because it has one tensor only
            """
            def shift(link, rank, size, tensor):
                if rank < size - 1:
                    link.send(tensor, rank + 1)
                    link.recv(tensor, (rank - 1) % size)
                else:
                    own = tensor.clone()
                    link.recv(tensor, rank - 1)
                    link.send(own, 0)
                return tensor
            """,
        ],
        "wrong": {
            # as it was
            """
            def shift(link, rank, size, tensor):
                received = torch.empty_like(tensor)
                link.send(tensor, (rank + 1) % size)
                link.recv(received, (rank - 1) % size)
                return received
            """: "until the timeout",
            # all receive first
            """
            def shift(link, rank, size, tensor):
                received = torch.empty_like(tensor)
                link.recv(received, (rank - 1) % size)
                link.send(tensor, (rank + 1) % size)
                return received
            """: "until the timeout",
            # no message at all
            """
            def shift(link, rank, size, tensor):
                return torch.full_like(tensor, 10.0 * ((rank - 1) % size))
            """: "its left neighbour's",
            # the first rank sends on what it has received
            """
            def shift(link, rank, size, tensor):
                received = torch.empty_like(tensor)
                if rank == 0:
                    link.recv(tensor, size - 1)
                    link.send(tensor, 1)
                    return tensor
                link.send(tensor, (rank + 1) % size)
                link.recv(received, rank - 1)
                return received
            """: "its left neighbour's",
            # to the left
            """
            def shift(link, rank, size, tensor):
                received = torch.empty_like(tensor)
                if rank == 0:
                    link.recv(received, (rank + 1) % size)
                link.send(tensor, (rank - 1) % size)
                if rank > 0:
                    link.recv(received, (rank + 1) % size)
                return received
            """: "its left neighbour's",
            # a mistake in one branch; the other ranks time out
            """
            def shift(link, rank, size, tensor):
                received = torch.empty_like(tensor)
                if rank == 0:
                    link.recv(recieved, (rank - 1) % size)
                link.send(tensor, (rank + 1) % size)
                if rank > 0:
                    link.recv(received, (rank - 1) % size)
                return received
            """: "NameError",
            # returns a number
            """
            def shift(link, rank, size, tensor):
                received = torch.empty_like(tensor)
                if rank % 2:
                    link.recv(received, (rank - 1) % size)
                link.send(tensor, (rank + 1) % size)
                if rank % 2 == 0:
                    link.recv(received, (rank - 1) % size)
                return received.item()
            """: "the received tensor",
        },
    },
    4: {
        "right": ["all_reduces = 1 + 9 * 2", "all_reduces = float(19)"],
        "wrong": {
            # no_sync forgotten
            "all_reduces = 57": "inside no_sync nothing is sent",
            # no_sync forgotten, and the first step of the training known
            "all_reduces = 1 + 29 * 2": "inside no_sync nothing is sent",
            # two buckets from the first step on
            "all_reduces = 20": "in its very first step",
            # a bucket for each layer
            "all_reduces = 40": "how many layers is that",
            # a bucket for each layer, after the first step
            "all_reduces = 37": "how many layers is that",
            # one bucket
            "all_reduces = 10": "how many buckets are there",
            # three buckets, after the first step
            "all_reduces = 28": "count the buckets",
        },
    },
    5: {
        "right": [
            """
            def before(mean_loss, rows):
                return mean_loss * rows

            def after(gradient, rows_of_ranks, micro_batches):
                return gradient / (sum(rows_of_ranks) / len(rows_of_ranks))
            """,
            """
            def before(mean_loss, rows):
                return rows * mean_loss / 2

            def after(gradient, rows_of_ranks, micro_batches):
                return gradient * 2 * len(rows_of_ranks) / sum(rows_of_ranks)
            """,
        ],
        "wrong": {
            # as given, right for equal ones
            """
            def before(mean_loss, rows):
                return mean_loss

            def after(gradient, rows_of_ranks, micro_batches):
                return gradient / micro_batches
            """: "each row must have the same weight",
            # DDP's division is forgotten
            """
            def before(mean_loss, rows):
                return mean_loss * rows

            def after(gradient, rows_of_ranks, micro_batches):
                return gradient / sum(rows_of_ranks)
            """: "0.50 of the right one",
            # divided by the micro-batches, too
            """
            def before(mean_loss, rows):
                return mean_loss * rows

            def after(gradient, rows_of_ranks, micro_batches):
                mean_rows = sum(rows_of_ranks) / len(rows_of_ranks)
                return gradient / mean_rows / micro_batches
            """: "0.33 of the right one",
            # the number of micro-batches in place of that of the ranks
            """
            def before(mean_loss, rows):
                return mean_loss * rows

            def after(gradient, rows_of_ranks, micro_batches):
                return gradient * micro_batches / sum(rows_of_ranks)
            """: "1.50 of the right one",
            # always two ranks
            """
            def before(mean_loss, rows):
                return mean_loss * rows

            def after(gradient, rows_of_ranks, micro_batches):
                return gradient * 2 / sum(rows_of_ranks)
            """: "0.67 of the right one",
            # the means are added, not the sums
            """
            def before(mean_loss, rows):
                return mean_loss

            def after(gradient, rows_of_ranks, micro_batches):
                return gradient * len(rows_of_ranks) / sum(rows_of_ranks)
            """: "0.10 of the right one",
        },
    },
    6: {
        "right": [
            """
            def fullest_and_empty(rows, ranks):
                sizes = [len(piece) for piece in torch.arange(rows).chunk(ranks)]
                return max(sizes), ranks - len(sizes)
            """,
            """
            def fullest_and_empty(rows, ranks):
                share, left, empty = (rows + ranks - 1) // ranks, rows, 0
                for _ in range(ranks):
                    empty += left <= 0
                    left -= share
                return torch.tensor([share, empty])
            """,
        ],
        "wrong": {
            # as evenly as possible, like numpy.array_split
            """
            def fullest_and_empty(rows, ranks):
                return -(-rows // ranks), max(ranks - rows, 0)
            """: "the number of empty ranks",
            # rounded down
            """
            def fullest_and_empty(rows, ranks):
                return rows // ranks, max(ranks - rows, 0)
            """: "the fullest rank does not hold",
            # the last rank takes what is left over
            """
            def fullest_and_empty(rows, ranks):
                return rows // ranks + rows % ranks, 0
            """: "the fullest rank does not hold",
            """
            def fullest_and_empty(rows, ranks):
                return -(-rows // ranks)
            """: "in this order: fullest, empty",
            # the two numbers in the other order
            """
            def fullest_and_empty(rows, ranks):
                fullest = -(-rows // ranks)
                return ranks - -(-rows // fullest), fullest
            """: "are swapped",
        },
    },
    7: {
        "right": [
            """
            def mean_gradient(layers, batches):
                schedule = pipeline(layers, scale_grads=False)
                for images, labels in batches:
                    schedule.step(images, target=labels)
                rows = len(torch.cat([labels for _, labels in batches]))
                for p in layers.parameters():
                    p.grad = p.grad / rows
            """,
            # with the default, the gradients set aside after each batch
            """
            def mean_gradient(layers, batches):
                schedule = pipeline(layers)
                total = [torch.zeros_like(p) for p in layers.parameters()]
                for images, labels in batches:
                    layers.zero_grad()
                    schedule.step(images, target=labels)
                    for t, p in zip(total, layers.parameters(), strict=True):
                        t += 4 * p.grad
                rows = sum(len(labels) for _, labels in batches)
                for t, p in zip(total, layers.parameters(), strict=True):
                    p.grad = t / rows
            """,
        ],
        "wrong": {
            "mean_gradient = wrong_mean_gradient": "the direction is wrong",
            # the rule of a loss that is a mean
            """
            def mean_gradient(layers, batches):
                schedule = pipeline(layers, scale_grads=False)
                for images, labels in batches:
                    schedule.step(images, target=labels)
                for p in layers.parameters():
                    p.grad /= 4 * len(batches)
            """: "right direction, but",
            # only the last batch
            """
            def mean_gradient(layers, batches):
                schedule = pipeline(layers, scale_grads=False)
                for images, labels in batches:
                    layers.zero_grad()
                    schedule.step(images, target=labels)
                for p in layers.parameters():
                    p.grad /= sum(len(labels) for _, labels in batches)
            """: "the direction is wrong",
            # one backward pass, without the pipeline
            """
            def mean_gradient(layers, batches):
                images, labels = map(torch.cat, zip(*batches, strict=True))
                cross_entropy(layers(images), labels).backward()
            """: "micro-batches only",
            # micro-batches by hand, without the pipeline
            """
            def mean_gradient(layers, batches):
                for images, labels in batches:
                    for xs, ys in zip(images.chunk(4), labels.chunk(4), strict=True):
                        total_loss(layers(xs), ys).backward()
                rows = sum(len(labels) for _, labels in batches)
                for p in layers.parameters():
                    p.grad /= rows
            """: "step was called 0 times",
            # the pipeline, with all batches in one
            """
            def mean_gradient(layers, batches):
                images, labels = map(torch.cat, zip(*batches, strict=True))
                pipeline(layers, scale_grads=False).step(images, target=labels)
                for p in layers.parameters():
                    p.grad /= len(labels)
            """: "one batch at a time",
        },
    },
    8: {
        "right": [
            """
            def choose_size(rows, ranks, batch, sizes, most):
                good = []
                for size in sizes:
                    shares = np.zeros(ranks, int)
                    groups = [size] * (rows // size) + [rows % size] * (rows % size > 0)
                    for number, group in enumerate(groups):
                        shares[number % ranks] += group
                    used = (shares // batch).min() * batch * ranks
                    if (rows - used) / rows <= most and len(groups) >= ranks:
                        good.append(size)
                if not good:
                    raise ValueError
                return np.int64(max(good))
            """,
            """
            def choose_size(rows, ranks, batch, sizes, most):
                def used(size):
                    rank_of = np.arange(rows) // size % ranks
                    return np.bincount(rank_of, minlength=ranks).min() // batch * batch
                enough = [s for s in sizes if -(-rows // s) >= ranks
                          and ranks * used(s) >= (1 - most) * rows - 1e-9]
                return max(enough)  # max of nothing is a ValueError
            """,
        ],
        "wrong": {
            # equal shares of rows, which Petastorm does not make
            """
            def choose_size(rows, ranks, batch, sizes, most):
                steps = rows // ranks // batch
                for size in sorted(sizes, reverse=True):
                    left_out = rows - steps * batch * ranks
                    if rows >= size * ranks and left_out <= most * rows:
                        return size
                raise ValueError
            """: "shares are sums of whole files",
            # the last file is forgotten
            """
            def choose_size(rows, ranks, batch, sizes, most):
                for size in sorted(sizes, reverse=True):
                    steps = rows // size // ranks * size // batch
                    if steps and rows - steps * batch * ranks <= most * rows:
                        return size
                raise ValueError
            """: "the last file has fewer rows",
            # full batches are forgotten
            """
            def choose_size(rows, ranks, batch, sizes, most):
                for size in sorted(sizes, reverse=True):
                    files = [min(size, rows - s) for s in range(0, rows, size)]
                    least = min(sum(files[r::ranks]) for r in range(ranks))
                    if len(files) >= ranks and rows - least * ranks <= most * rows:
                        return size
                raise ValueError
            """: "is 6 full batches",
            """
            def choose_size(rows, ranks, batch, sizes, most):
                for size in sorted(sizes, reverse=True):
                    files = [min(size, rows - s) for s in range(0, rows, size)]
                    steps = min(sum(files[r::ranks]) for r in range(ranks)) // batch
                    if rows - steps * batch * ranks <= most * rows:
                        return size
                raise ValueError
            """: "fewer files than ranks",
            # less than, in place of at most
            """
            def choose_size(rows, ranks, batch, sizes, most):
                for size in sorted(sizes, reverse=True):
                    files = [min(size, rows - s) for s in range(0, rows, size)]
                    steps = min(sum(files[r::ranks]) for r in range(ranks)) // batch
                    left = rows - steps * batch * ranks
                    if len(files) >= ranks and left < most * rows:
                        return size
                raise ValueError
            """: "600 leaves out nothing",
            # gives up at the first size with too few files
            """
            def choose_size(rows, ranks, batch, sizes, most):
                for size in sorted(sizes, reverse=True):
                    files = [min(size, rows - s) for s in range(0, rows, size)]
                    if len(files) < ranks:
                        raise ValueError
                    steps = min(sum(files[r::ranks]) for r in range(ranks)) // batch
                    if rows - steps * batch * ranks <= most * rows:
                        return size
                raise ValueError
            """: "100 does not",
        },
    },
    9: {
        "right": [
            """
            def enter(images):
                if images.dtype != "uint8" or images.ndim not in (3, 4):
                    raise ValueError("not pixels")
                if images.ndim == 4 and images.shape[-1] not in (1, 3):
                    raise ValueError("not channel last")
                if images.ndim == 3:
                    images = np.expand_dims(images, 3)
                scaled = images.astype(np.float32) / np.float32(255)
                first = scaled.transpose(0, 3, 1, 2)
                return torch.from_numpy(np.ascontiguousarray(first))
            """,
            """
            def enter(images):
                match images.shape, str(images.dtype):
                    case ((_, _, _), "uint8"):
                        planes = [images]
                    case ((_, _, _, (1 | 3) as channels), "uint8"):
                        planes = [images[..., c] for c in range(channels)]
                    case _:
                        raise ValueError("refused")
                return torch.stack([torch.tensor(p) / 255 for p in planes], dim=1)
            """,
        ],
        "wrong": {
            """
            def enter(images):
                if images.dtype != np.uint8 or images.ndim < 3:
                    raise ValueError
                channels = 1 if images.ndim == 3 else images.shape[3]
                if channels > 3:
                    raise ValueError
                shape = (len(images), channels, *images.shape[1:3])
                return torch.tensor(images).reshape(shape) / 255
            """: "permute moves an axis",
            """
            def enter(images):
                if images.ndim == 3:
                    images = images[..., None]
                if images.ndim != 4 or images.shape[3] > 3:
                    raise ValueError
                return torch.tensor(images).permute(0, 3, 1, 2).float() / 255
            """: "scaled already must be refused",
            """
            def enter(images):
                if images.dtype != np.uint8:
                    raise ValueError
                if images.ndim == 3:
                    images = images[..., None]
                return torch.tensor(images).permute(0, 3, 1, 2).float()
            """: "were they scaled",
            """
            def enter(images):
                assert images.dtype == np.uint8 and images.ndim in (3, 4)
                images = images.reshape(*images.shape[:3], -1)
                return torch.tensor(images).permute(0, 3, 1, 2).float() / 255
            """: "raised AssertionError, but a ValueError was asked for",
            """
            def enter(images):
                if images.dtype != np.uint8 or images.ndim not in (3, 4):
                    raise ValueError
                if images.ndim == 3:
                    images = images[..., None]
                if images.shape[3] not in (1, 2, 3):
                    raise ValueError
                return torch.tensor(images).permute(0, 3, 1, 2).float() / 255
            """: "two channels must be refused",
            # the largest value of these pictures
            """
            def enter(images):
                if images.dtype != np.uint8:
                    raise ValueError("type")
                if images.ndim == 3:
                    images = images[..., None]
                if images.ndim != 4 or images.shape[3] not in (1, 3):
                    raise ValueError("shape")
                scaled = torch.tensor(images).float() / images.max()
                return scaled.permute(0, 3, 1, 2)
            """: "whatever the largest value",
            # any type of whole numbers without a sign
            """
            def enter(images):
                if images.dtype.kind != "u":
                    raise ValueError("type")
                if images.ndim == 3:
                    images = images[..., None]
                if images.ndim != 4 or images.shape[3] not in (1, 3):
                    raise ValueError("shape")
                scaled = torch.tensor(images.astype("float32")) / 255
                return scaled.permute(0, 3, 1, 2)
            """: "16 bits must be refused",
        },
    },
    10: {
        "right": [
            """
            def mirror(images, generator):
                found = images.clone()
                chosen = torch.randint(2, (len(images),), generator=generator).bool()
                found[chosen] = images[chosen].flip(-1)
                return found
            """,
            """
            def mirror(images, generator):
                half = torch.full((len(images),), 0.5)
                turn = torch.bernoulli(half, generator=generator)
                return torch.stack([torch.fliplr(i.permute(1, 2, 0)).permute(2, 0, 1)
                                    if t else i for i, t in zip(images, turn)])
            """,
        ],
        "wrong": {
            """
            def mirror(images, generator):
                if torch.rand(1, generator=generator) < 0.5:
                    return images.flip(3)
                return images.clone()
            """: "all or none",
            """
            def mirror(images, generator):
                chosen = torch.rand(len(images), generator=generator) < 0.5
                return torch.where(chosen[:, None, None, None], images.flip(2), images)
            """: "stand on their heads",
            """
            def mirror(images, generator):
                chosen = torch.rand(len(images), generator=generator) < 0.5
                images[chosen] = images[chosen].flip(3)
                return images
            """: "the caller's batch was changed",
            """
            def mirror(images, generator):
                chosen = torch.rand(len(images)) < 0.5
                return torch.where(chosen[:, None, None, None], images.flip(3), images)
            """: "draw from the generator",
            """
            def mirror(images, generator):
                chosen = torch.rand(images.shape, generator=generator) < 0.5
                return torch.where(chosen, images.flip(3), images)
            """: "neither as they were nor mirrored",
            # always exactly half
            """
            def mirror(images, generator):
                order = torch.randperm(len(images), generator=generator)
                chosen = (order < len(images) // 2)[:, None, None, None]
                return torch.where(chosen, images.flip(3), images)
            """: "not independent",
            # its seed, not the generator
            """
            def mirror(images, generator):
                torch.manual_seed(generator.initial_seed())
                chosen = torch.rand(len(images)) < 0.5
                return torch.where(chosen[:, None, None, None], images.flip(3), images)
            """: "mirrored like the first",
        },
    },
}
