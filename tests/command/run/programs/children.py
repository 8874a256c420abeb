"""Takes an order itself and has child processes of the given start method take others."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import orders


def work(_=None):
    orders.take()


def work_with_a_child(context):
    child = context.Process(target=work)
    child.start()
    work()
    child.join()
    assert child.exitcode == 0


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    orders.take()
    children = [
        context.Process(target=work),
        context.Process(target=work_with_a_child, args=(context,)),
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        list(executor.map(work, range(8)))
    with context.Pool(2) as pool:
        pool.map(work, range(8))
        pool.close()
        pool.join()
