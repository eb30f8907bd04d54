from scripts.benching.traffic import EVENTS, WHOLE_BYTES, request_body, stream_events, whole_answer


def test_the_benchmark_runs_and_finds_every_request_on_record(script):
    done = script("bench", "--quick")
    assert (done.returncode, done.stderr) == (0, "")
    assert "78 KB in, 60 events out, c=16" in done.stdout
    recorded, sent = done.stdout.splitlines()[-1].rpartition(": ")[2].split(" of ")
    assert recorded == sent != "0"


def test_the_traffic_is_of_the_size_that_is_said():
    assert len(request_body(0.5, stream=False)) == 512
    assert len(request_body(78, stream=True)) == 78 * 1024
    assert len(whole_answer()) == WHOLE_BYTES
    assert len(stream_events()) == EVENTS
